"""Two machines, one model: the head of a language model on one, its tail on another, coded hidden states between them."""

from rdcodec.pieces import TextPieces
from rdcodec.serving.addresses import ClientSecurity, ServerSecurity, parse_address
from rdcodec.serving.generation import generate
from rdcodec.serving.head import Head, HeadSession
from rdcodec.serving.link import Connector, RemoteSession
from rdcodec.serving.logs import JsonLines
from rdcodec.serving.meter import LinkMeter
from rdcodec.serving.openai import OpenAIServer
from rdcodec.serving.parts import Part, load_head, load_tail, part_of
from rdcodec.serving.pipeline import compress_pipeline, pipeline_layers
from rdcodec.serving.refusals import Refused
from rdcodec.serving.sampling import Sampler, Sampling
from rdcodec.serving.server import ServerLimits, TailServer, running_server, serve
from rdcodec.serving.tail import Step, Tail, TailSession

__all__ = [
    "ClientSecurity",
    "Connector",
    "Head",
    "HeadSession",
    "JsonLines",
    "LinkMeter",
    "OpenAIServer",
    "Part",
    "Refused",
    "RemoteSession",
    "Sampler",
    "Sampling",
    "ServerLimits",
    "ServerSecurity",
    "Step",
    "Tail",
    "TailServer",
    "TailSession",
    "TextPieces",
    "compress_pipeline",
    "generate",
    "load_head",
    "load_tail",
    "parse_address",
    "part_of",
    "pipeline_layers",
    "running_server",
    "serve",
]
