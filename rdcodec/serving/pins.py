"""What both ends of a link must have alike, held against each other before the first frame."""

from rdcodec import __version__
from rdcodec.serving.protocol import link_pb2
from rdcodec.serving.refusals import Refused

__all__ = ["PROTOCOL", "check_pins", "pins_of"]

PROTOCOL = 1
NAMES = {
    "protocol": "protocol",
    "codec_id": "codec",
    "model": "model (fingerprint of its blocks)",
    "layer": "layer",
    "channels": "channels",
    "element_type": "element type",
}


def pins_of(part, codec):
    """The `Pins` of an end.

    Parameters
    ----------
    part : rdcodec.serving.Part
    codec : Codec
    """
    return link_pb2.Pins(
        protocol=PROTOCOL,
        version=__version__,
        codec_id=codec.codec_id,
        model=part.fingerprint or "",
        layer=part.site.layer,
        channels=codec.channels,
        element_type=str(part.site.model.dtype).removeprefix("torch."),
    )


def check_pins(own, theirs):
    """Hold the other end's pins against one's own.

    Raises
    ------
    Refused
        FAILED_PRECONDITION, with all that differs.
    """
    differing = [
        f"{shown}: the tail has {_text(getattr(own, name))}, the head {_text(getattr(theirs, name))}"
        for name, shown in NAMES.items()
        if getattr(own, name) != getattr(theirs, name)
    ]
    if differing:
        raise Refused.precondition("; ".join(differing))


def _text(value):
    return value.hex() if isinstance(value, bytes) else str(value)[:40] or "none"
