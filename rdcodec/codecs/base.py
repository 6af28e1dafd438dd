"""The contract of all codecs: hidden states in, real bytes out, and back.

A family states what it depends on (`_config`, `_tensors`) and how it codes float32 tokens (`_encode_tokens`,
`_decode_tokens`); streams, frames, quality, element types, checks and checkpoints are the same for all and live here.
"""

import copy
import hashlib
import json
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from rdcodec.errors import CodecMismatchError, CorruptStreamError, LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.files import replace_file
from rdcodec.stream import MAX_FRAME_TOKENS, Header, read_frame, read_header, write_frame, write_header

__all__ = ["Codec", "Decoder", "Encoder", "check_values", "values_of"]

# Elements of a frame that `Codec.encode` makes, at most: 16 bytes each stay within the largest payload.
MAX_FRAME_ELEMENTS = 2**22
CHECKPOINT_VERSION = 1
CONFIG_FILE = "config.json"
TENSORS_FILE = "codec.safetensors"
_FAMILIES = {}


class Codec(ABC):
    """Codes hidden states [tokens, channels] into bytes and decodes them to the same symbols on every machine.

    Parameters
    ----------
    channels : int
        Channels of a token, 1 to 65,536.
    min_quality, max_quality : int
        Range of `quality`; a higher quality is finer. Families without one leave both at 0.
    default_quality : int
        What is used where no quality is given; not a part of `codec_id`, it can be changed at any time.

    Raises
    ------
    RdcodecError
        The default quality is outside the range, or `channels` is.
    """

    family: str
    """Name in checkpoints, one for each subclass."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "family" in vars(cls):
            _FAMILIES[cls.family] = cls

    def __init__(self, channels, *, min_quality=0, max_quality=0, default_quality=0):
        if not 1 <= channels <= 65536:
            raise RdcodecError(f"channels: expected 1 to 65536, got {channels}")
        self.channels = int(channels)
        self.min_quality = int(min_quality)
        self.max_quality = int(max_quality)
        self.default_quality = default_quality
        self._id = None

    # ---- what a family implements

    @abstractmethod
    def _config(self):
        """dict of JSON values: all that the decoder depends on besides the tensors."""

    def _tensors(self):
        """dict of name to ndarray: the arrays the decoder depends on."""
        return {}

    @classmethod
    @abstractmethod
    def _from_parts(cls, config, tensors):
        """The codec that `_config` and `_tensors` came from. Unknown keys are of a later version: left alone."""

    def _new_state(self):
        """What an encoder, or a decoder, remembers from frame to frame; None where nothing is."""
        return None

    @abstractmethod
    def _encode_tokens(self, h, quality, state):
        """Payload (bytes) of h, float32 [tokens, channels], C-contiguous, finite, 1 to 4096 tokens."""

    @abstractmethod
    def _decode_tokens(self, payload, tokens, quality, state):
        """float32 [tokens, channels] of a payload. Any payload: CorruptStreamError where no encoder writes it."""

    # ---- identity

    @property
    def codec_id(self):
        """bytes : 8 bytes of BLAKE2b over everything the decoder depends on (family, config, tensors)."""
        if self._id is None:
            digest = hashlib.blake2b(digest_size=8)
            digest.update(json.dumps([self.family, self._config()], sort_keys=True).encode())
            for name, array in sorted(self._tensors().items()):
                array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
                digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
                digest.update(array.tobytes())
            self._id = digest.digest()
        return self._id

    @property
    def default_quality(self):
        """int : quality used where none is given."""
        return self._default_quality

    @default_quality.setter
    def default_quality(self, quality):
        self._default_quality = self._checked_quality(quality)

    def _checked_quality(self, quality):
        if quality is None:
            return self.default_quality
        if not (hasattr(quality, "__index__") and self.min_quality <= quality <= self.max_quality):
            raise RdcodecError(f"quality: expected an integer {self.min_quality} to {self.max_quality}, got {quality}")
        return int(quality)

    @property
    def frame_tokens(self):
        """int : tokens a frame at most where this codec splits them itself, 4096 up to 1024 channels."""
        return min(MAX_FRAME_TOKENS, MAX_FRAME_ELEMENTS // self.channels)

    # ---- one shot

    def encode(self, h, quality=None):
        """Code hidden states as one stream: a header, then frames.

        Parameters
        ----------
        h : ndarray of float32 or float16, or torch.Tensor of float32, float16 or bfloat16
            [tokens, channels] or [batch, tokens, channels], contiguous or not, any number of tokens.
        quality : int, optional
            Higher is finer; `default_quality` where it is not given.

        Returns
        -------
        bytes

        Raises
        ------
        TypeError
            h is not an array or tensor of these element types in native byte order.
        RdcodecError
            The rank or the number of channels is wrong, h holds NaN or infinity (the message has the index of the
            first one), or the quality is out of range.
        """
        values, dtype = values_of(h)
        if values.ndim not in (2, 3):
            raise RdcodecError(f"h: expected [tokens, channels] or [batch, tokens, channels], got shape {values.shape}")
        check_values(values, self.channels)
        rows = values if values.ndim == 3 else values[None]
        header = Header(
            dtype=dtype,
            codec_id=self.codec_id,
            channels=self.channels,
            rows=rows.shape[0],
            tokens=rows.shape[1],
            batched=values.ndim == 3,
        )
        parts = [write_header(header)]
        for row in rows:
            encoder = self.encoder(quality)
            for start in range(0, len(row), self.frame_tokens):
                parts.append(encoder._frame(row[start : start + self.frame_tokens]))
        return b"".join(parts)

    def decode(self, data):
        """Decode a stream of `encode`.

        Parameters
        ----------
        data : bytes-like

        Returns
        -------
        ndarray or torch.Tensor
            Shape and element type as coded: an array for float32 and float16, a tensor for bfloat16. Where the
            element type cannot hold a decoded value, it is clipped to the largest finite one.

        Raises
        ------
        CodecMismatchError
            The stream was made with another codec.
        CorruptStreamError, UnsupportedVersionError, LimitError
            The bytes are no stream of this format.
        """
        header, offset = read_header(data)
        if header.codec_id != self.codec_id:
            raise CodecMismatchError(
                f"the stream was made with codec {header.codec_id.hex()}, this one is {self.codec_id.hex()}"
                f" ({self.family})"
            )
        if header.channels != self.channels:
            raise CorruptStreamError(f"the header says {header.channels} channels, its codec has {self.channels}")
        frames = []
        for _ in range(header.rows if header.tokens else 0):
            decoder, left = self.decoder(), header.tokens
            while left:
                frame = read_frame(data, offset)
                if not 0 < frame.tokens <= left:
                    raise CorruptStreamError(f"frame at byte {offset}: {frame.tokens} tokens where 1 to {left} are left")
                frames.append(decoder._tokens(frame))
                left -= frame.tokens
                offset = frame.end
        if offset != len(data):
            raise CorruptStreamError(f"byte {offset}: {len(data) - offset} bytes after the last frame")
        shape = (header.rows, header.tokens, self.channels) if header.batched else (header.tokens, self.channels)
        values = np.concatenate(frames) if frames else np.empty(0, np.float32)
        return _as_dtype(values.reshape(shape), header.dtype)

    # ---- a live link

    def encoder(self, quality=None):
        """An `Encoder` for one row of tokens; both ends begin anew together."""
        return Encoder(self, self._checked_quality(quality))

    def decoder(self):
        """A `Decoder` for the frames of one encoder, in their order."""
        return Decoder(self)

    # ---- checkpoints

    def save_pretrained(self, directory):
        """Write config.json and codec.safetensors, each replaced in one step.

        Parameters
        ----------
        directory : str or path
            Made when it does not exist.
        """
        from safetensors.numpy import save

        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        config = {
            "format_version": CHECKPOINT_VERSION,
            "family": self.family,
            "codec_id": self.codec_id.hex(),
            "default_quality": self.default_quality,
            "config": self._config(),
        }
        # The format has no strides, and its writer does not look at them.
        tensors = {name: np.asarray(tensor, order="C") for name, tensor in self._tensors().items()}
        replace_file(directory / TENSORS_FILE, save(tensors))
        replace_file(directory / CONFIG_FILE, (json.dumps(config, indent=2) + "\n").encode())

    @classmethod
    def from_pretrained(cls, directory):
        """Load what `save_pretrained` wrote, whatever the family.

        Parameters
        ----------
        directory : str or path

        Returns
        -------
        Codec

        Raises
        ------
        FileNotFoundError
            A file of the checkpoint is missing.
        UnsupportedVersionError
            The checkpoint is of a later version of the format.
        RdcodecError
            A file is damaged, the files do not belong together, the family is unknown or not that of this class.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        directory = Path(directory)
        for name in (CONFIG_FILE, TENSORS_FILE):
            if not (directory / name).is_file():
                raise FileNotFoundError(f"{directory} holds no codec: {name} is missing")
        try:
            config = json.loads((directory / CONFIG_FILE).read_bytes())
            version, family, expected = config["format_version"], config["family"], config["codec_id"]
            if version > CHECKPOINT_VERSION:
                raise UnsupportedVersionError(
                    f"{directory / CONFIG_FILE}: format_version {version}, this release reads up to {CHECKPOINT_VERSION}"
                )
            if not issubclass(_FAMILIES.get(family, object), cls):
                known = ", ".join(sorted(name for name, known in _FAMILIES.items() if issubclass(known, cls)))
                raise RdcodecError(f"{directory / CONFIG_FILE}: family {family!r}, expected one of {known}")
            codec = _FAMILIES[family]._from_parts(config["config"], load((directory / TENSORS_FILE).read_bytes()))
            codec.default_quality = config.get("default_quality", codec.default_quality)
        except RdcodecError:
            raise
        except (KeyError, TypeError, ValueError, SafetensorError) as error:
            raise RdcodecError(f"{directory}: the checkpoint is damaged: {type(error).__name__}: {error}") from error
        if codec.codec_id.hex() != expected:
            raise RdcodecError(
                f"{directory}: the files do not belong together: {CONFIG_FILE} says codec {expected},"
                f" they make {codec.codec_id.hex()}"
            )
        return codec

    def __repr__(self):
        return f"{type(self).__name__}(channels={self.channels}, codec_id={self.codec_id.hex()})"


class Encoder:
    """Frames of one row of tokens, with what the codec remembers between them. Made by `Codec.encoder`."""

    def __init__(self, codec, quality):
        self._codec = codec
        self._quality = quality
        self._announced = None
        self._state = codec._new_state()

    def encode(self, h, quality=None):
        """The next frame.

        Parameters
        ----------
        h : ndarray or torch.Tensor
            [tokens, channels], 0 to 4096 tokens, element types as in `Codec.encode`.
        quality : int, optional
            Holds from this frame on.

        Returns
        -------
        bytes

        Raises
        ------
        TypeError, RdcodecError, LimitError
            As `Codec.encode`, and for more than 4096 tokens. The encoder is then as it was before.
        """
        values, _ = values_of(h)
        if values.ndim != 2:
            raise RdcodecError(f"h: expected [tokens, channels], got shape {values.shape}")
        if len(values) > MAX_FRAME_TOKENS:
            raise LimitError(f"h: {len(values)} tokens, a frame holds {MAX_FRAME_TOKENS}")
        check_values(values, self._codec.channels)
        if quality is not None:
            self._quality = self._codec._checked_quality(quality)
        return self._frame(values)

    def fork(self):
        """An encoder that goes on from here on its own: the row of tokens branches (beam search)."""
        return _fork(self)

    def _frame(self, values):
        quality = self._quality
        payload = self._codec._encode_tokens(values, quality, self._state) if len(values) else b""
        frame = write_frame(len(values), payload, None if quality == self._announced else quality)
        self._announced = quality
        return frame


class Decoder:
    """Tokens of the frames of one `Encoder`, in their order. Made by `Codec.decoder`."""

    def __init__(self, codec):
        self._codec = codec
        self._quality = None
        self._state = codec._new_state()

    def decode(self, frame):
        """Tokens of the next frame.

        Parameters
        ----------
        frame : bytes-like
            Exactly one frame.

        Returns
        -------
        ndarray
            float32 [tokens, channels].

        Raises
        ------
        CorruptStreamError, LimitError
            The bytes are no frame of this codec.
        """
        read = read_frame(frame)
        if read.end != len(frame):
            raise CorruptStreamError(f"byte {read.end}: {len(frame) - read.end} bytes after the frame")
        return self._tokens(read)

    def fork(self):
        """A decoder that goes on from here on its own, the other end of `Encoder.fork`."""
        return _fork(self)

    def _tokens(self, frame):
        codec = self._codec
        quality = self._quality if frame.quality is None else frame.quality
        if quality is None:
            raise CorruptStreamError("byte 0: the first frame states no quality; it continues another row")
        if not codec.min_quality <= quality <= codec.max_quality:
            raise CorruptStreamError(
                f"the frame states quality {quality}, the codec has {codec.min_quality} to {codec.max_quality}"
            )
        self._quality = quality
        if frame.tokens == 0:
            if len(frame.payload):
                raise CorruptStreamError(f"a frame of no tokens holds {len(frame.payload)} bytes of them")
            return np.empty((0, codec.channels), np.float32)
        return codec._decode_tokens(frame.payload, frame.tokens, quality, self._state)


def _fork(end):
    twin = copy.copy(end)
    twin._state = copy.deepcopy(end._state)
    return twin


def _torch():
    """torch where it is loaded (a tensor cannot come from anywhere else), so that NumPy alone is enough."""
    return sys.modules.get("torch")


def values_of(h):
    """C-contiguous float32 array of the values of h, a view where that is possible, and the name of h's dtype."""
    torch = _torch()
    if torch is not None and isinstance(h, torch.Tensor):
        name = str(h.dtype).removeprefix("torch.")
        if h.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            raise TypeError(f"h: expected a tensor of float32, float16 or bfloat16, got {name}")
        return h.detach().to("cpu", torch.float32).contiguous().numpy(), name
    if not isinstance(h, np.ndarray):
        raise TypeError(f"h: expected a NumPy array or a torch tensor, got {type(h).__name__}")
    if h.dtype not in (np.float32, np.float16) or not h.dtype.isnative:
        raise TypeError(f"h: expected float32 or float16 in native byte order, got {h.dtype.str} ({h.dtype.name})")
    return np.ascontiguousarray(h, dtype=np.float32), h.dtype.name


def check_values(values, channels):
    if values.shape[-1] != channels:
        raise RdcodecError(f"h: expected {channels} channels, got shape {values.shape}")
    with np.errstate(all="ignore"):
        if np.isfinite(np.sum(values)):  # one pass decides for nearly all arrays; the sum of finite values may overflow
            return
    bad = ~np.isfinite(values)
    if bad.any():
        index = tuple(int(i) for i in np.unravel_index(np.argmax(bad), values.shape))
        raise RdcodecError(f"h: expected finite values, got {values[index]} at index {index}")


def _as_dtype(values, dtype):
    if dtype == "float32":
        return values
    if dtype == "float16":
        largest = np.finfo(np.float16).max
        return np.clip(values, -largest, largest).astype(np.float16)
    try:
        import torch
    except ImportError as error:
        raise ImportError("the stream holds bfloat16, which needs PyTorch: pip install 'rdcodec[hf]'") from error
    largest = torch.finfo(torch.bfloat16).max
    return torch.from_numpy(values).clamp(-largest, largest).to(torch.bfloat16)
