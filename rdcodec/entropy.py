"""Entropy coding: integer frequency tables and rANS blocks.

Symbols are int32 numbers. Each one is coded with one of up to 65,535 frequency tables, which an index names; a symbol outside
the support of its table is *escaped*: the last entry of the table, and an Exp-Golomb code. So every int32 can be coded.
The bytes are described in ``docs/format.md`` and are the same on every machine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from rdcodec.types import Array, ArrayLike, Bytes

__all__ = ["BlockDecoder", "FrequencyTables", "WIDE_ARRAYS"]

_INT32 = np.dtype(np.int32)
_UINT32 = np.dtype(np.uint32)
_UINT8 = np.dtype(np.uint8)
_UINT16 = np.dtype(np.uint16)

# What `to_arrays` gives of any tables.
_ARRAYS = ("frequencies", "counts", "offsets", "precision")

WIDE_ARRAYS = {"raw_bits": _UINT8, "run_counts": _UINT32, "runs": _UINT32}
"""dict of str to dtype: what `FrequencyTables.to_arrays` adds where some tables are wide."""

# Standard deviations beyond which a Gaussian's mass, 1.3e-12 a side, goes to the escape unseen.
_GAUSSIAN_REACH = 7.0


class FrequencyTables:
    """A set of frequency tables; immutable, so threads may share it.

    Made by `from_pmf`, `gaussian`, `builtin_gaussian` or `from_frequencies`.

    Attributes
    ----------
    precision : int
        The frequencies of a table sum to ``2**precision``; 12 to 15.

    Examples
    --------
    >>> import numpy as np
    >>> from rdcodec.entropy import FrequencyTables
    >>> tables = FrequencyTables.gaussian([0.5, 2.0])
    >>> symbols = np.array([0, 1, -3, 100000], np.int32)
    >>> index = np.array([0, 0, 1, 1], np.uint8)
    >>> block = tables.encode(symbols, index)
    >>> tables.decode(block, index)
    array([     0,      1,     -3, 100000], dtype=int32)
    """

    def __init__(self, core: Any) -> None:
        if not isinstance(core, _core.Tables):
            raise TypeError("FrequencyTables: use from_pmf, gaussian, builtin_gaussian or from_frequencies")
        self.core = core
        self.precision, self._counts, self._offsets, self._frequencies = _core.tables_export(core)
        self._wide: dict[str, Array] = dict(zip(WIDE_ARRAYS, _core.tables_export_wide(core)))

    @classmethod
    def from_pmf(cls, pmf: ArrayLike, offset: ArrayLike, precision: int = 14) -> FrequencyTables:
        """Round probabilities to frequencies of minimal expected code length.

        For each table the rounding is optimal: no other frequencies of at least 1 that sum to ``2**precision`` give fewer
        expected bits. Symbols at both ends whose own entry would cost more than escaping them are left to the escape.
        Where an entry a symbol costs more than 1% and more than 0.02 bits above the entropy, symbols that are about equally
        probable share entries (a *wide* table, slower to code with); this brings any pmf within the larger of the two.

        Parameters
        ----------
        pmf : array_like of float64, [tables, symbols]
            Probabilities of the symbols ``offset, offset + 1, ...``. What a row lacks to 1 is the probability of the escape.
        offset : int or array_like of int, [tables]
            The first symbol of every row.
        precision : int
            12 to 15 bits.

        Raises
        ------
        RdcodecError
            A row holds a negative or non-finite number, its sum is 0 or above 1, a symbol lies outside int32, or no table
            comes so near to the entropy; the message names the table.
        """
        pmf = np.ascontiguousarray(pmf, dtype=np.float64)
        if pmf.ndim != 2:
            raise RdcodecError(f"pmf: expected [tables, symbols], got {pmf.ndim} dimensions")
        offset = np.asarray(offset)
        if offset.ndim > 1 or (offset.ndim == 1 and len(offset) != len(pmf)):
            raise RdcodecError(f"offset: expected one integer or one a table, {len(pmf)}, got shape {offset.shape}")
        offsets = _integers(np.broadcast_to(offset, len(pmf)), "offset", _INT32)
        return cls._from_rows(zip(pmf, offsets.tolist()), precision)

    @classmethod
    def gaussian(cls, scales: ArrayLike, precision: int = 14) -> FrequencyTables:
        """Tables of zero-mean Gaussians, integrated over unit intervals round the integers.

        Computed in floating point: keep the integers of `to_arrays` with what is coded, or use `builtin_gaussian`.

        Parameters
        ----------
        scales : array_like of float, [tables]
            Standard deviations, above 0, in units of the symbols.
        precision : int
            12 to 15 bits.

        Raises
        ------
        RdcodecError
            A scale is not above 0 or not finite, or above 2**20.
        """
        scales = np.atleast_1d(np.asarray(scales, dtype=np.float64))
        if scales.ndim != 1:
            raise RdcodecError(f"scales: expected [tables], got {scales.ndim} dimensions")
        for at, scale in enumerate(scales):
            if not 0 < scale <= 2.0**20:
                raise RdcodecError(f"scales[{at}]: expected a number above 0 and at most 2**20, got {scale}")
        return cls._from_rows(map(_gaussian_row, scales.tolist()), precision)

    @classmethod
    def builtin_gaussian(cls) -> FrequencyTables:
        """The built-in set: Gaussians of 64 log-spaced scales from 0.11 to 256, 14 bits; constants of the format."""
        return cls(_core.tables_gaussian())

    @classmethod
    def from_frequencies(
        cls,
        frequencies: ArrayLike,
        counts: ArrayLike,
        offsets: ArrayLike,
        precision: int,
        raw_bits: ArrayLike | None = None,
        run_counts: ArrayLike | None = None,
        runs: ArrayLike | None = None,
    ) -> FrequencyTables:
        """Tables from integers, such as those of `to_arrays`.

        Parameters
        ----------
        frequencies : array_like of int, [entries]
            The entries of all tables one after the other, each at least 1; the last one of a table is the escape.
        counts : array_like of int, [tables]
            Entries of every table, at least 2.
        offsets : array_like of int, [tables]
            First symbol of every table.
        precision : int
            12 to 15 bits; the frequencies of a table sum to ``2**precision``.
        raw_bits : array_like of int, [entries], optional
            Of wide tables, as are the other two: an entry stands for ``2**raw_bits`` symbols.
        run_counts : array_like of int, [tables], optional
            Runs of every table, 0 where it is not wide.
        runs : array_like of int, [runs, 2], optional
            First symbol, counted from the offset, and length of every run of symbols, in the order in which entries stand for them.

        Raises
        ------
        RdcodecError
            One of these conditions does not hold; the message says where.
        """
        wide = dict(zip(WIDE_ARRAYS, (raw_bits, run_counts, runs)))
        lacking = [name for name, array in wide.items() if array is None]
        if 0 < len(lacking) < len(wide):
            raise RdcodecError(f"{lacking[0]}: expected all of {', '.join(WIDE_ARRAYS)} or none")
        core = _core.tables_create(
            _precision(precision),
            _integers(np.asarray(counts), "counts", _UINT32),
            _integers(np.asarray(offsets), "offsets", _INT32),
            _integers(np.asarray(frequencies), "frequencies", _UINT16),
            *(None if lacking else _integers(np.asarray(wide[name]), name, dtype) for name, dtype in WIDE_ARRAYS.items()),
        )
        return cls(core)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], prefix: str = "") -> FrequencyTables:
        """Tables from what `to_arrays` gave, among other arrays and with something before the names.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Checked as `from_frequencies` checks them.
        prefix : str, optional

        Raises
        ------
        RdcodecError
            As `from_frequencies`.
        KeyError
            An array is missing.
        """
        wide = {name: arrays[prefix + name] for name in WIDE_ARRAYS if prefix + name in arrays}
        return cls.from_frequencies(*(arrays[prefix + name] for name in _ARRAYS), **wide)

    @classmethod
    def joined(cls, parts: Iterable[FrequencyTables]) -> FrequencyTables:
        """One set from several of the same precision, in their order.

        Parameters
        ----------
        parts : iterable of FrequencyTables
            At least one.

        Raises
        ------
        RdcodecError
            Precisions differ.
        """
        parts = list(parts)
        precisions = {part.precision for part in parts}
        if len(precisions) != 1:
            raise RdcodecError(f"parts: expected tables of one precision, got {sorted(precisions)}")
        arrays = [part._all_arrays() for part in parts]
        names = [name for name in arrays[0] if name != "precision"]
        return cls.from_frequencies(precision=precisions.pop(), **{name: np.concatenate([a[name] for a in arrays]) for name in names})

    @classmethod
    def _from_rows(cls, rows, precision):
        """Tables from pairs of a pmf and its offset."""
        precision = _precision(precision)
        made = []
        for table, (pmf, offset) in enumerate(rows):
            try:
                made.append(_core.pmf_round(pmf, offset, precision))
            except RdcodecError as error:
                raise type(error)(f"table {table}: {error}; the row has {len(pmf)} symbols and sums to {pmf.sum():.9g}") from None
        if not made:
            raise RdcodecError("pmf: expected at least one table, got none")
        offsets, frequencies, raw_bits, runs = zip(*made)
        counts, run_counts = [len(row) for row in frequencies], [len(rows) for rows in runs]
        frequencies, raw_bits, runs = map(np.concatenate, (frequencies, raw_bits, runs))
        return cls.from_frequencies(frequencies, counts, offsets, precision, raw_bits, run_counts, runs)

    def _all_arrays(self):
        arrays = dict(zip(_ARRAYS, (self._frequencies, self._counts, self._offsets, np.array(self.precision, np.uint8))))
        return arrays | self._wide

    def to_arrays(self) -> dict[str, Array]:
        """The tables as integer arrays, for a checkpoint: the arguments of `from_frequencies`.

        Returns
        -------
        dict
            ``frequencies`` uint16 [entries], ``counts`` uint32 [tables], ``offsets`` int32 [tables], ``precision`` uint8 [];
            with wide tables ``raw_bits`` uint8 [entries], ``run_counts`` uint32 [tables], ``runs`` uint32 [runs, 2] too.
        """
        kept = (*_ARRAYS, *WIDE_ARRAYS) if len(self._wide["runs"]) else _ARRAYS
        return {name: array.copy() for name, array in self._all_arrays().items() if name in kept}

    def __reduce__(self):
        return type(self).from_arrays, (self.to_arrays(),)

    def __len__(self):
        """The number of tables."""
        return len(self._counts)

    def __repr__(self):
        return f"FrequencyTables({len(self)} tables, {len(self._frequencies)} entries, precision={self.precision})"

    def encode(self, symbols: ArrayLike, index: ArrayLike, lanes: int | None = None, threads: int | None = None) -> bytes:
        """Code symbols to one block.

        Parameters
        ----------
        symbols : array of int32, any shape
            Other integers are taken if their values fit.
        index : array of uint8 or uint16, the shape of `symbols`
            The table of every symbol. Other integers are taken if their values fit.
        lanes : int, optional
            Interleaved coders, a power of two up to 32: more are faster and cost about two thirds of a byte each. When not given,
            as many as cost less than 0.1% of the block; what is too small for its lanes gets one.
        threads : int, optional
            At most so many threads share the work out where there are more than 2**19 symbols; as many as OpenMP takes when not
            given. The bytes do not depend on it.

        Returns
        -------
        bytes
            The block; empty for no symbols.

        Raises
        ------
        RdcodecError
            An index names no table, the shapes differ, or lanes or threads is not such a number.
        """
        symbols, index = _integers(symbols, "symbols", _INT32), self._index(index)
        return _core.block_encode(self.core, symbols, index, _lanes(lanes), _threads(threads))

    def decode(self, data: Bytes, index: ArrayLike, threads: int | None = None) -> Array:
        """Decode a whole block.

        Parameters
        ----------
        data : bytes-like
            What `encode` made.
        index : array of uint8 or uint16, any shape
            The table of every symbol, as at encoding.
        threads : int, optional
            As for `encode`, whatever it was there.

        Returns
        -------
        ndarray of int32, the shape of `index`

        Raises
        ------
        CorruptStreamError
            The bytes are not a block of this many symbols of these tables; the message gives the byte offset.
        RdcodecError
            An index names no table.
        """
        return _core.block_decode(self.core, data, self._index(index), _threads(threads))

    def decoder(self, data: Bytes, n: int) -> BlockDecoder:
        """A decoder of the `n` symbols of a block, segment by segment.

        For blocks whose first symbols choose the tables of what follows. The block is kept, not copied.
        """
        return BlockDecoder(self, _core.block_open(self.core, data, integer("n", n, 0, MOST, "a number of symbols")))

    def ideal_bits(self, symbols: ArrayLike, index: ArrayLike) -> float:
        """Ideal code length of the symbols under these tables, in bits.

        The sum of ``-log2(frequency / 2**precision)`` and of the bits of the escape codes; a block is longer by its head alone.
        Parameters, of any shape, and errors as for `encode`.
        """
        return _core.ideal_bits(self.core, _integers(symbols, "symbols", _INT32), self._index(index))

    def _index(self, index):
        """A C-contiguous uint8 or uint16 array, which the core checks against the number of tables."""
        return index if _is_plain(index, _UINT8) else _integers(index, "index", _UINT16)


class BlockDecoder:
    """Decodes a block segment by segment; made by `FrequencyTables.decoder`.

    Until `finish` has returned, the symbols may be those of a damaged block. One thread at a time may use it, another one is refused
    with an `RdcodecError`; it can neither be copied nor pickled.
    """

    def __init__(self, tables: FrequencyTables, core: Any) -> None:
        self._tables = tables
        self.core = core

    def __reduce__(self):
        raise TypeError("BlockDecoder: cannot be copied or pickled, for it stands in the middle of a block")

    def decode(self, index: ArrayLike) -> Array:
        """The next symbols, one for every table index: an int32 array of the shape of `index`.

        Raises
        ------
        CorruptStreamError
            No encoder makes these bytes; the decoder is of no further use.
        RdcodecError
            An index names no table, or fewer symbols are left.
        """
        return _core.decoder_decode(self.core, self._tables._index(index))

    def finish(self) -> None:
        """Check that all symbols are decoded and every byte of the block was used.

        Raises
        ------
        CorruptStreamError
            The block is damaged.
        RdcodecError
            Symbols are left.
        """
        _core.decoder_finish(self.core)


def _integers(values, name, dtype):
    """`values` as an array of `dtype` that C can read, refused where one does not fit."""
    if _is_plain(values, dtype):
        return values
    values = np.asarray(values)
    if values.size == 0:
        return np.zeros(values.shape, dtype)
    if values.dtype.kind not in "iu" and not _holds_large_integers(values):
        raise TypeError(f"{name}: expected integers, got {values.dtype}")
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    outside = (values < low) | (values > high)
    if outside.any():
        at = int(outside.argmax())
        raise RdcodecError(f"{name}: expected {low} to {high}, got {values.flat[at]} at position {at}")
    return np.require(values, dtype, ["C", "ALIGNED"])


def _holds_large_integers(values):
    """Whether these are integers beyond 64 bits, which NumPy holds as objects."""
    return values.dtype == object and all(isinstance(value, int) for value in values.flat)


def _is_plain(values, dtype):
    return type(values) is np.ndarray and values.dtype == dtype and values.flags.c_contiguous and values.flags.aligned


def _threads(threads):
    """The core's number of threads: 0 leaves it to OpenMP."""
    if threads is None:
        return 0
    return integer("threads", threads, 1, 1024)


def _lanes(lanes):
    """The core's number of lanes: 0 leaves it to the core."""
    if lanes is None:
        return 0
    expected = "a power of two from 1 to 32"
    number = integer("lanes", lanes, 1, 32, expected)
    if number & (number - 1):
        raise RdcodecError(f"lanes: expected {expected}, got {number}")
    return number


def _precision(precision):
    """Bits that the core takes."""
    return integer("precision", precision, 12, 15, "12 to 15 bits")


def _gaussian_row(scale):
    """Probabilities of the integers under a Gaussian, and the first integer."""
    reach = math.ceil(_GAUSSIAN_REACH * scale)
    edges = (np.arange(reach + 2) - 0.5) / (scale * math.sqrt(2.0))
    above = np.array([0.5 * math.erfc(edge) for edge in edges.tolist()])
    half = above[:-1] - above[1:]
    return np.concatenate([half[:0:-1], half]), -reach
