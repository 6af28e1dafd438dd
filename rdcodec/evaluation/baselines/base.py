"""What published methods share: the contract of `Codec`, for a measurement alone."""

from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["Baseline"]


class Baseline(Codec):
    """A method to compare with: real bytes by way of frames, as of every codec, but no checkpoints.

    What it decodes to may depend on the machine, for it computes in floating point; its frames are for the process that wrote them.

    Parameters
    ----------
    channels : int
    name : str
        Of the method.
    **settings
        JSON values that tell two of the same method apart.
    """

    def __init__(self, channels, name, **settings):
        super().__init__(channels)
        self.family = name  # of the instance, not of the class: families of classes are those that checkpoints may name
        self._settings = settings

    def _config(self):
        return {"channels": self.channels, **self._settings}

    @classmethod
    def _from_parts(cls, config, tensors):
        raise RdcodecError(f"{cls.__name__}: a baseline has no checkpoints")

    __eq__, __hash__ = object.__eq__, object.__hash__  # what it was fitted to is not in its id

    def save_pretrained(self, directory):
        """Refused with an `RdcodecError`."""
        self._from_parts(None, None)

    def __reduce__(self):
        raise TypeError(f"{type(self).__name__}: cannot be pickled, a baseline is for one measurement")
