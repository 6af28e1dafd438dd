"""The exceptions of rdcodec, and its one warning. All exceptions are ``ValueError``s: the input was wrong, not the machine."""

__all__ = ["RdcodecError", "CorruptStreamError", "CodecMismatchError", "UnsupportedVersionError", "LimitError", "ModelMismatchWarning"]


class RdcodecError(ValueError):
    """An argument is out of range or of the wrong shape. The base of all errors of this package."""


class CorruptStreamError(RdcodecError):
    """Bytes that no encoder writes: damaged, cut short, or of another format. The message gives the byte offset."""


class CodecMismatchError(RdcodecError):
    """A stream made with another codec than the one that is asked to decode it."""


class UnsupportedVersionError(RdcodecError):
    """A stream or a checkpoint of a later version of the format."""


class LimitError(RdcodecError):
    """A size beyond the limits of the format, refused before any memory is taken for it."""


class ModelMismatchWarning(UserWarning):
    """A codec is used with another model than the one it was fitted to: its rates and losses are others there."""
