"""What a codec was fitted to. It is kept beside what the decoder depends on: bytes and ids are the same without."""

from typing import NamedTuple

from rdcodec.codecs.fields import Text, check_config
from rdcodec.errors import RdcodecError
from rdcodec.messages import shown

__all__ = ["Origin", "origin_from"]

_FIELDS = {"model_type": Text("[A-Za-z0-9_.-]{1,100}"), "fingerprint": Text("[0-9a-f]{16}")}


class Origin(NamedTuple):
    """The model a codec was fitted to; layer and width are the codec's own.

    Attributes
    ----------
    model_type : str
        As in the model's configuration.
    fingerprint : str
        Of the weights before the split: 16 hexadecimal digits.
    """

    model_type: str
    fingerprint: str

    def __str__(self):
        return f"{self.model_type} {self.fingerprint}"


def origin_from(fields):
    """The `Origin` of fields from a checkpoint.

    Raises
    ------
    RdcodecError
        One is missing, or is none.
    """
    if type(fields) is not dict:
        raise RdcodecError(f"origin: expected an object, got {shown(fields)}")
    return Origin(**check_config(_FIELDS, fields))
