"""Exemplars: tokens in no group, behind which every group of a place begins, so that its tokens can refer to them as to earlier ones."""

import hashlib
from threading import Lock

import numpy as np

from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.stream import Chain

__all__ = ["Exemplars", "exemplars_of"]

RUN_TOKENS = 256  # that are taken from one spot


class Exemplars:
    """A frame of tokens, which is decoded when a group is first coded or decoded.

    Parameters
    ----------
    codec : Codec
    frame : bytes

    Raises
    ------
    CorruptStreamError, LimitError
        It is no frame, or more than one.
    """

    def __init__(self, codec, frame):
        self.codec, self.frame = codec, frame
        self.chain = Chain()
        read = self.chain.read(frame)
        if read.end != len(frame):
            raise CorruptStreamError(f"byte {read.end}: {len(frame) - read.end} bytes after the frame of exemplars")
        self.chain = self.chain.after(read)
        self._lock, self._decoder, self._states = Lock(), None, None

    @classmethod
    def coded(cls, codec, quality, states):
        """Of float32, float16 or bfloat16 [tokens, channels], 1 to `Codec.frame_tokens` tokens; an `RdcodecError` for other ones."""
        values, _ = values_of(states)
        if values.ndim != 2 or not 1 <= len(values) <= codec.frame_tokens:
            raise RdcodecError(f"expected [tokens, channels] of 1 to {codec.frame_tokens} tokens, got shape {values.shape}")
        check_values(values, codec.channels)
        return cls(codec, codec.encoder(quality).encode(values))

    @property
    def digest(self):
        """str : 16 hexadecimal digits of BLAKE2b."""
        return hashlib.blake2b(self.frame, digest_size=8).hexdigest()

    @property
    def states(self):
        """float32 [tokens, channels] : as they are decoded."""
        self.decoder()
        return self._states

    def decoder(self):
        """A `Decoder` that has come to their end; for any number of threads."""
        with self._lock:
            if self._decoder is None:
                decoder = self.codec.decoder()
                self._states = decoder.decode(self.frame)
                self._decoder = decoder
            return self._decoder.fork()


def exemplars_of(sources, tokens):
    """Exemplars from a few hundred tokens here and there of all sources.

    Parameters
    ----------
    sources : list of Source
    tokens : int
        That are wanted, about; not more than there are.

    Returns
    -------
    dict of str to ndarray, or ndarray
        float32 [tokens, channels], of each place where sources give dicts.
    """
    behind = np.cumsum([source.tokens for source in sources])
    tokens = min(tokens, int(behind[-1]))
    spots = np.linspace(0, int(behind[-1]) - min(RUN_TOKENS, tokens), -(-tokens // RUN_TOKENS)).astype(int)
    runs = []
    for spot in spots:
        at = int(np.searchsorted(behind, spot, side="right"))
        states, _ = next(iter(sources[at].pieces(int(spot - behind[at] + sources[at].tokens))))
        runs.append({name: values_of(rows[:RUN_TOKENS])[0] for name, rows in _by_place(states).items()})
    joined = {name: np.concatenate([run[name] for run in runs])[:tokens] for name in runs[0]}
    return joined.get(None, joined)


def _by_place(states):
    return states if isinstance(states, dict) else {None: states}
