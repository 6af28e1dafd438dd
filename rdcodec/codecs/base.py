"""The contract of all codecs: hidden states in, real bytes out, and back.

A family states what it depends on (`_config`, `_tensors`) and how it codes float32 tokens (`_encode_tokens`,
`_decode_tokens`); streams, frames, quality, element types, checks and checkpoints are the same for all and live here.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.codecs.checkpoint import export_checkpoint, load_checkpoint, save_checkpoint
from rdcodec.codecs.families import FAMILIES, find_family
from rdcodec.codecs.link import Decoder, Encoder, State
from rdcodec.codecs.origin import Origin
from rdcodec.codecs.values import HOST
from rdcodec.errors import CodecMismatchError, CorruptStreamError, RdcodecError
from rdcodec.stream import MAX_FRAME_TOKENS, Header, bytes_of, read_frames, read_header, write_header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from rdcodec.codecs.device import Device
    from rdcodec.codecs.values import Host
    from rdcodec.types import Array, Bytes, PathLike, States

__all__ = ["Codec"]

# Elements of a frame that `Codec.encode` makes, at most: 16 bytes each stay within the largest payload.
MAX_FRAME_ELEMENTS = 2**22


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

    Attributes
    ----------
    origin : Origin or None
        The model that the codec was fitted to, where that is known; not a part of `codec_id`.

    Raises
    ------
    RdcodecError
        The default quality is outside the range, or `channels` is.
    """

    family: str
    """Name in checkpoints, one for each subclass."""

    layer: int | None = None
    """Split point that the codec was fitted to; None where it was fitted to none."""

    place: Host | Device = HOST
    """Where states are taken and left: the processor's memory, or the device that a codec was moved to (`TransformCodec.to`)."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "family" in vars(cls):
            FAMILIES[cls.family] = cls

    def __init__(self, channels: int, *, min_quality: int = 0, max_quality: int = 0, default_quality: int = 0) -> None:
        if not 1 <= channels <= 65536:
            raise RdcodecError(f"channels: expected 1 to 65536, got {channels}")
        self.channels = int(channels)
        self.min_quality = int(min_quality)
        self.max_quality = int(max_quality)
        self.default_quality = default_quality
        self.origin: Origin | None = None
        self._id: bytes | None = None

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
        """What an encoder, or a decoder, remembers from frame to frame."""
        return State()

    @abstractmethod
    def _encode_tokens(self, h, quality, state):
        """Payload (bytes) of h, float32 [tokens, channels], C-contiguous, finite, 1 to 4096 tokens."""

    @abstractmethod
    def _decode_tokens(self, payload, tokens, quality, state):
        """float32 [tokens, channels] of a payload. Any payload: CorruptStreamError where no encoder writes it."""

    def _encode_rows(self, h, quality, states):
        """Payloads of h, float32 [rows, tokens, channels], as of `_encode_tokens`, for families that code rows side by side."""
        return [self._encode_tokens(row, quality, state) for row, state in zip(h, states)]

    def _decode_rows(self, payloads, tokens, quality, states):
        """float32 [rows, tokens, channels] of payloads of as many tokens each."""
        return np.stack([self._decode_tokens(payload, tokens, quality, state) for payload, state in zip(payloads, states)])

    # ---- identity

    @property
    def codec_id(self) -> bytes:
        """bytes : 8 bytes of BLAKE2b over everything the decoder depends on (family, config, tensors)."""
        if self._id is None:
            digest = hashlib.blake2b(digest_size=8)
            digest.update(json.dumps([self.family, self._config()], sort_keys=True).encode())
            for name, array in sorted(self._tensors().items()):
                array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
                digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
                digest.update(array.data)
            self._id = digest.digest()
        return self._id

    @property
    def default_quality(self) -> int:
        """int : quality used where none is given."""
        return self._default_quality

    @default_quality.setter
    def default_quality(self, quality: int) -> None:
        self._default_quality = self._checked_quality(quality)

    def _checked_quality(self, quality):
        if quality is None:
            return self.default_quality
        if not (hasattr(quality, "__index__") and self.min_quality <= quality <= self.max_quality):
            raise RdcodecError(
                f"quality: expected an integer {self.min_quality} to {self.max_quality}, got {quality} (codec {self.family})"
            )
        return int(quality)

    @property
    def frame_tokens(self) -> int:
        """int : tokens a frame at most where this codec splits them itself, 4096 up to 1024 channels."""
        return min(MAX_FRAME_TOKENS, MAX_FRAME_ELEMENTS // self.channels)

    # ---- one shot

    def encode(self, h: States, quality: int | None = None) -> bytes:
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
        return b"".join(self.encode_parts(h, quality))

    def encode_parts(self, h: States, quality: int | None = None) -> Iterator[bytes]:
        """Code hidden states as one stream, in the memory that a frame takes.

        Parameters
        ----------
        h : ndarray or torch.Tensor, or anything of a shape whose slices are one
            [tokens, channels] or [batch, tokens, channels], as for `encode`; in a file, for example, which need not be in memory.
        quality : int, optional
            As for `encode`.

        Yields
        ------
        bytes
            The header, then frame after frame: what `encode` returns in one.

        Raises
        ------
        TypeError, RdcodecError
            As `encode`, when it comes to the tokens that are wrong.
        """
        _, dtype = self.place.values_of(h[:0] if getattr(h, "ndim", 0) else h)
        shape = tuple(h.shape)
        if len(shape) not in (2, 3):
            raise RdcodecError(f"h: expected [tokens, channels] or [batch, tokens, channels], got shape {shape}")
        if shape[-1] != self.channels:
            raise RdcodecError(f"h: expected {self.channels} channels, got shape {shape}")
        rows, tokens = (1, shape[0]) if len(shape) == 2 else shape[:2]
        yield write_header(Header(dtype, self.codec_id, self.channels, rows, tokens, batched=len(shape) == 3))
        for row in range(rows):
            encoder, before = self.encoder(quality), (row,) if len(shape) == 3 else ()
            for start in range(0, tokens, self.frame_tokens):
                values, _ = self.place.values_of(h[(*before, slice(start, start + self.frame_tokens))])
                self.place.check_values(values, self.channels, (*before, start, 0))
                yield encoder._encode_checked(values)

    def decode(self, data: Bytes, max_tokens: int | None = None, max_bytes: int | None = None) -> States:
        """Decode a stream of `encode`.

        Parameters
        ----------
        data : bytes-like
        max_tokens : int, optional
            Of all rows, at most; any number where it is not given.
        max_bytes : int, optional
            Of the decoded tokens as float32, at most; where it is not given, 64 MiB and 1024 times the bytes of the stream, for a few
            bytes can claim far more tokens than any codec packs into them.

        Returns
        -------
        ndarray or torch.Tensor
            Shape and element type as coded: an array for float32 and float16, a tensor for bfloat16. Where the
            element type cannot hold a decoded value, it is clipped to the largest finite one.

        Raises
        ------
        CodecMismatchError
            The stream was made with another codec.
        CorruptStreamError, UnsupportedVersionError
            The bytes are no stream of this format.
        LimitError
            A claim beyond the limits of the format, or of more than is wanted; no memory is taken for it.
        """
        data = bytes_of(data)
        header, frames = self._frames(data)
        _core.check_decoded_size(header.rows * header.tokens, self.channels, len(data), max_tokens, max_bytes)
        values, at = self.place.empty(header.rows * header.tokens, self.channels), 0
        for _, decoded in frames:
            values[at : at + len(decoded)] = decoded
            at += len(decoded)
        shape = (header.rows, header.tokens, self.channels) if header.batched else (header.tokens, self.channels)
        return self.place.as_dtype(values.reshape(shape), header.dtype)

    def decode_frames(self, data: Bytes) -> Iterator[tuple[int, Array]]:
        """Decode a stream of `encode` frame by frame, in the memory that one frame takes.

        Parameters
        ----------
        data : bytes-like

        Yields
        ------
        row : int
        values : ndarray
            float32 [tokens, channels]: the next tokens of the row.

        Raises
        ------
        CodecMismatchError, CorruptStreamError, UnsupportedVersionError, LimitError
            As `decode`, when it comes to the frame that is wrong.
        """
        yield from self._frames(bytes_of(data))[1]

    def _frames(self, data):
        """The header of a stream, and what `decode_frames` yields."""
        header, offset = read_header(data)
        if header.codec_id != self.codec_id:
            raise CodecMismatchError(
                f"the stream was made with codec {header.codec_id.hex()}, this one is {self.codec_id.hex()} ({self.family})"
            )
        if header.channels != self.channels:
            raise CorruptStreamError(f"the header says {header.channels} channels, its codec has {self.channels}")
        return header, self._decoded(read_frames(data, header, offset))

    def _decoded(self, frames):
        for row, of_row in groupby(frames, key=itemgetter(0)):
            decoder = self.decoder()
            for _, frame in of_row:
                yield row, decoder._decode_read(frame)

    # ---- payloads alone

    def encode_payload(self, h: States, quality: int | None = None) -> bytes:
        """Code the first tokens of a row: what their frame holds besides its head and its checksum.

        Parameters
        ----------
        h : ndarray or torch.Tensor
            As `encode`, [tokens, channels], 1 to 4096 tokens.
        quality : int, optional
            Higher is finer; `default_quality` where it is not given.

        Returns
        -------
        bytes

        Raises
        ------
        TypeError, RdcodecError
            As `encode`, and for another number of tokens.
        """
        values, _ = self.place.values_of(h)
        if values.ndim != 2 or not 1 <= len(values) <= MAX_FRAME_TOKENS:
            raise RdcodecError(f"h: expected [tokens, channels], 1 to {MAX_FRAME_TOKENS} tokens, got shape {values.shape}")
        self.place.check_values(values, self.channels)
        return self._encode_tokens(values, self._checked_quality(quality), self._new_state())

    def decode_payload(self, payload: Bytes, tokens: int, quality: int | None = None) -> Array:
        """Decode what `encode_payload` returned.

        Parameters
        ----------
        payload : bytes
        tokens : int
            As many as were coded, 1 to 4096.
        quality : int, optional
            As it was coded with.

        Returns
        -------
        ndarray
            float32 [tokens, channels]

        Raises
        ------
        RdcodecError
            The number of tokens or the quality is out of range.
        CorruptStreamError
            No encoder writes this payload for so many tokens at this quality.
        """
        if not 1 <= tokens <= MAX_FRAME_TOKENS:
            raise RdcodecError(f"tokens: expected 1 to {MAX_FRAME_TOKENS}, got {tokens}")
        return self._decode_tokens(payload, tokens, self._checked_quality(quality), self._new_state())

    # ---- a live link

    def encoder(self, quality: int | None = None) -> Encoder:
        """An `Encoder` for one row of tokens; both ends begin anew together."""
        return Encoder(self, self._checked_quality(quality))

    def decoder(self) -> Decoder:
        """A `Decoder` for the frames of one encoder, in their order."""
        return Decoder(self, None)

    # ---- checkpoints

    def save_pretrained(self, directory: PathLike) -> None:
        """Write config.json and codec.safetensors, each replaced in one step.

        Parameters
        ----------
        directory : str or path
            Made when it does not exist.
        """
        save_checkpoint(self, directory)

    def export(self, path: PathLike) -> None:
        """Write everything to one file, which the C library loads too (docs/c-library.md); replaced in one step.

        Parameters
        ----------
        path : str or path
            In a folder that is there.
        """
        export_checkpoint(self, path)

    @classmethod
    def from_pretrained(cls, path: PathLike) -> Self:
        """Load what `save_pretrained` or `export` wrote, whatever the family.

        Parameters
        ----------
        path : str or path
            Folder or file.

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
        return load_checkpoint(path, cls)

    # ---- copies

    def __reduce__(self):
        return _from_pickle, (self.family, self._config(), self._tensors(), self.default_quality, self.origin)

    def __copy__(self):
        """A codec with a default quality of its own; everything else never changes and is shared."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __eq__(self, other):
        """Equal codecs code to the same bytes and decode each other's; default qualities and origins may differ."""
        return self.codec_id == other.codec_id if isinstance(other, Codec) else NotImplemented

    def __hash__(self):
        return hash(self.codec_id)

    def __repr__(self):
        place = [] if self.layer is None else [f"layer {self.layer}" + (f" of {self.origin.model_type}" if self.origin else "")]
        range_of = f"qualities {self.min_quality} to {self.max_quality}, {self.default_quality} by default"
        facts = [
            *place,
            f"{self.channels} channels",
            *([range_of] if self.min_quality < self.max_quality else []),
            f"{self._size():,} bytes",
        ]
        return f"<{type(self).__name__} {self.codec_id.hex()}: {', '.join(facts)}>"

    def _size(self):
        """Bytes of the tensors, which is what a checkpoint takes but for its config."""
        return sum(tensor.nbytes for tensor in self._tensors().values())


def _from_pickle(family, config, tensors, default_quality, origin=None):
    codec = find_family(family)._from_parts(config, tensors)
    codec.default_quality = default_quality
    codec.origin = origin
    return codec
