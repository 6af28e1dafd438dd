"""Wrong types, which a checker is to refuse: each line that ends with `# wrong`, and no other."""

import numpy as np
import torch

import rdcodec
from rdcodec.adapters import BlockCodec
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.entropy import FrequencyTables
from rdcodec.evaluation import Setting
from rdcodec.planning import Link
from rdcodec.serving import Sampler, Sampling, parse_address
from rdcodec.stream import read_header

h = np.zeros((3, 4), np.float32)
codec = IntegerCodec(4)

x: int = codec.encode(h)  # wrong
y: str = FrequencyTables.gaussian([1.0]).encode([0], [0])  # wrong
z: bytes = codec.decode(b"")  # wrong
codec.encode(h, quality="high")  # wrong
codec.decode("text")  # wrong
codec.encode([[0.0, 1.0]])  # wrong
RawCodec("4")  # wrong
Setting("method", 10)  # wrong
Setting(10, codec)  # wrong
rdcodec.compress_at(torch.nn.Linear(3, 3), 10)  # wrong
print(rdcodec.nonsense)  # wrong
FrequencyTables.gaussian([1.0], precision=14.0)  # wrong
tables: int = FrequencyTables.builtin_gaussian()  # wrong
header: tuple[int, int] = read_header(b"")  # wrong
codec.default_quality = None  # wrong
codec.codec_id = b"12345678"  # wrong
Link("20Mbit", 0.03)  # wrong
port: str = parse_address("localhost:50051")[1]  # wrong
Sampler(Sampling(), "2")  # wrong
BlockCodec(codec).encode(h)  # wrong
