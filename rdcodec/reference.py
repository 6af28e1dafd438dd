"""A second decoder, small and slow: numbers, checksums, headers, frames, tables and blocks in the order of ``docs/format.md``;
then the integer networks of ``docs/integer-networks.md``, what learned codecs predict with them, and their frames.

It shares no code with the C core, so the tests hold one against the other. It makes the document checkable and is not meant for
use: `rdcodec.entropy` and `rdcodec.stream` are a thousand times faster. Offsets in messages count from the start of what the
function was given.
"""

from functools import cache
from itertools import islice

import numpy as np

from rdcodec.errors import CorruptStreamError, LimitError, UnsupportedVersionError

__all__ = ["PayloadDecoder", "Prediction", "best_row", "decode_block", "decode_escape", "read_frame", "read_header", "run_net"]

# ---- 2 Numbers ----


def read_varint(data, at):
    """A varint at byte `at`: its value and the offset behind it."""
    value = 0
    for i in range(9):
        byte = take(data, at + i, 1)[0]
        value |= (byte & 127) << 7 * i
        if byte < 128:
            if byte == 0 and i > 0:
                raise CorruptStreamError(f"byte {at}: a shorter varint would do")
            return value, at + i + 1
    raise CorruptStreamError(f"byte {at}: a varint of more than 9 bytes")


def unzigzag(number):
    return -(number >> 1) - 1 if number & 1 else number >> 1


def take(data, at, size):
    if at + size > len(data):
        raise CorruptStreamError(f"byte {len(data)}: the data end too early")
    return data[at : at + size]


# ---- 3 Checksums ----


def crc16(data, start=0xFFFF):
    crc = start
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc


def crc32(data, start=0xFFFFFFFF):
    crc = start
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# ---- 4 Stream header ----


def read_header(data):
    """The header at the start of a stream: a dict of its fields, and the offset behind it."""
    if data[:4] != b"RDC\x9d"[: len(data)]:
        raise CorruptStreamError("byte 0: not an rdcodec stream")
    if len(data) > 4 and data[4] != 1:
        raise UnsupportedVersionError(f"byte 4: format version {data[4]}")
    _, dtype, flags = take(data, 4, 3)
    codec_id = take(data, 7, 8)
    channels, at = read_varint(data, 15)
    rows, at = read_varint(data, at)
    tokens, at = read_varint(data, at)
    if int.from_bytes(take(data, at, 2), "little") != crc16(data[:at]):
        raise CorruptStreamError(f"byte {at}: the checksum does not match")
    if dtype > 2 or flags > 1 or (flags == 0 and rows != 1):
        raise CorruptStreamError("byte 5: no such dtype, flags or rows")
    if not 1 <= channels <= 65536 or max(rows, tokens, rows * tokens) > 2**31:
        raise LimitError("channels or tokens beyond the limits")
    fields = {"dtype": ("float32", "float16", "bfloat16")[dtype], "codec_id": codec_id, "channels": channels}
    return fields | {"rows": rows, "tokens": tokens, "batched": flags == 1}, at + 2


# ---- 5 Frame ----


def read_frame_head(data, at):
    """Tokens, quality or None and number of a new start of a body, and the offset behind them."""
    number, at = read_varint(data, at)
    tokens, quality, restart = number >> 1, None, 0
    restarts = number & 1 == 1 and tokens > 4096
    tokens -= 4097 if restarts else 0
    if tokens > 4096:
        raise LimitError(f"a frame of {tokens} tokens")
    if number & 1:
        number, at = read_varint(data, at)
        if number >= 2**32:
            raise CorruptStreamError(f"byte {at}: a quality beyond int32")
        quality = unzigzag(number)
    if restarts:
        restart, at = read_varint(data, at)
        if not 1 <= restart < 2**32:
            raise CorruptStreamError(f"byte {at}: new start {restart}")
    return tokens, quality, restart, at


def read_frame(data, start=0, before=2**32 - 1):
    """The frame at byte `start`, behind one with the checksum `before`: tokens, quality or None, payload, the offset behind it, its
    checksum, and the number of a new start or 0."""
    length, body = read_varint(data, start)
    if length > 2**26 + 40:
        raise LimitError(f"a frame of {length} bytes")
    checksum_size = 2 if length < 1024 else 4
    if length in (0, 1, 2, 1024, 1025):
        raise CorruptStreamError(f"byte {start}: no frame has this length")
    take(data, body, length)
    end = body + length - checksum_size
    checksum = int.from_bytes(data[end : end + checksum_size], "little")
    try:
        *_, restart, _ = read_frame_head(data[:end], body)
    except (CorruptStreamError, LimitError):
        restart = 0  # what is wrong in the head counts once the checksum is right
    first = 2**32 - 1 if restart else before
    if checksum != (crc16(data[start:end], first & 0xFFFF) if checksum_size == 2 else crc32(data[start:end], first)):
        raise CorruptStreamError(f"byte {end}: the checksum does not match")
    tokens, quality, restart, at = read_frame_head(data[:end], body)
    if end - at > 2**26:
        raise LimitError(f"a payload of {end - at} bytes")
    return tokens, quality, data[at:end], end + checksum_size, checksum, restart


# ---- 6 Frequency tables ----

TABLE_ARRAYS = ("frequencies", "counts", "offsets", "precision", "raw_bits", "run_counts", "runs")


class Table:
    """One table: its first symbol, the start of every entry, and 2**precision behind the last one.

    A wide table has raw bits an entry, and runs: pairs of a first symbol, counted from the offset, and a length.
    """

    def __init__(self, offset, frequencies, raw_bits=(), runs=()):
        self.offset = int(offset)
        self.starts = np.concatenate([[0], np.cumsum(frequencies, dtype=np.int64)])
        self.escape = len(frequencies) - 1
        self.raw_bits, self.runs = [int(r) for r in raw_bits], [(int(start), int(length)) for start, length in runs]
        self.end = max(start + length for start, length in self.runs) if self.runs else self.escape  # counted from the offset
        self.has_gaps = bool(self.runs) and sum(length for _, length in self.runs) < self.end

    def find(self, slot):
        """The entry that holds a slot, its frequency and its start."""
        entry = int(np.searchsorted(self.starts, slot, side="right")) - 1
        return entry, int(self.starts[entry + 1] - self.starts[entry]), int(self.starts[entry])

    def symbol(self, entry, bits):
        """The symbol of an entry, which takes what it needs from an iterator of bits."""
        if entry == self.escape:
            return decode_escape(bits, self)
        if not self.runs:
            return self.offset + entry
        place = sum(1 << r for r in self.raw_bits[:entry]) + take_bits(bits, self.raw_bits[entry])
        for start, length in self.runs:
            if place < length:
                return self.offset + start + place
            place -= length

    def has(self, symbol):
        return any(start <= symbol - self.offset < start + length for start, length in self.runs)

    def entry(self, symbol):
        """The entry that stands for a symbol."""
        place = symbol - self.offset
        if not self.runs:
            return place if 0 <= place < self.escape else self.escape
        if not self.has(symbol):
            return self.escape
        before = 0
        for start, length in self.runs:
            if start <= place < start + length:
                place += before - start
                break
            before += length
        entry = 0
        while place >= 1 << self.raw_bits[entry]:
            place -= 1 << self.raw_bits[entry]
            entry += 1
        return entry

    def code_length(self, symbol, precision):
        """Of a symbol, in 1/256 bit; the code of an escaped one counts as 6 bits."""
        entry = self.entry(symbol)
        frequency = int(self.starts[entry + 1] - self.starts[entry])
        beside = 6 if entry == self.escape else self.raw_bits[entry] if self.runs else 0
        return 256 * (precision + beside) - ((frequency**256).bit_length() - 1)


def split_tables(arrays):
    """The tables of `FrequencyTables.to_arrays`, one by one."""
    counts, offsets = arrays["counts"], arrays["offsets"]
    if "runs" not in arrays:
        return [Table(*parts) for parts in zip(offsets, split(arrays["frequencies"], counts))]
    rows = [split(arrays["frequencies"], counts), split(arrays["raw_bits"], counts), split(arrays["runs"], arrays["run_counts"])]
    return [Table(*parts) for parts in zip(offsets, *rows)]


def split(rows, counts):
    return np.split(rows, np.cumsum(counts)[:-1])


# ---- 7 Escape codes, and the bits among them ----


def take_bits(bits, count):
    """A number of so many bits from an iterator of bits."""
    number = 0
    for _ in range(count):
        if (bit := next(bits, None)) is None:
            raise CorruptStreamError("the escape section ends within a symbol")
        number = number << 1 | bit
    return number


def decode_escape(bits, table):
    """Takes the code of one escaped symbol from an iterator of bits."""
    if table.has_gaps and take_bits(bits, 1):
        symbol = table.offset + take_bits(bits, (table.end - 1).bit_length())
        if symbol >= table.offset + table.end or table.has(symbol):
            raise CorruptStreamError(f"an escaped symbol that is not in a gap: {symbol}")
        return symbol
    order = max(0, (table.end + 1).bit_length() - 4)
    zeros = 0
    while (bit := next(bits, None)) == 0:
        zeros += 1
    number = 1
    for _ in range(zeros + order):
        if bit is None or (bit := next(bits, None)) is None or number >= 2**35:
            raise CorruptStreamError("the escape section ends within a code, or the code is too long")
        number = number << 1 | bit
    if bit is None:
        raise CorruptStreamError("the escape section has too few codes")
    number -= 1 << order
    distance = number >> 1
    symbol = table.offset - 1 - distance if number & 1 else table.offset + table.end + distance
    if not -(2**31) <= symbol < 2**31:
        raise CorruptStreamError(f"an escaped symbol beyond int32: {symbol}")
    return symbol


# ---- 8 Block ----

START = 32  # what a lone lane begins with


class Words:
    """The 16-bit words that the lanes share."""

    def __init__(self, data):
        if len(data) % 2:
            raise CorruptStreamError(f"half a word at the end of {len(data)} bytes")
        self.left = [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)][::-1]

    def refill(self, state):
        return state << 16 | self.left.pop() if state < 2**16 and self.left else state


def decode_step(state, words, table, precision):
    """One symbol from one lane: its entry and the state behind it."""
    slot = state & ((1 << precision) - 1)
    entry, frequency, start = table.find(slot)
    return entry, words.refill(frequency * (state >> precision) + slot - start)


def decode_lanes(states, words, tables, precision):
    """Yields the entry of each of `tables`, symbol i in lane i mod lanes; `states` end as the encoder began."""
    for i, table in enumerate(tables):
        lane = i % len(states)
        entry, states[lane] = decode_step(states[lane], words, table, precision)
        yield table, entry
    if words.left:
        raise CorruptStreamError(f"{len(words.left)} words are left over")


def decode_single(state, words, tables, precision):
    """Entries coded in one lane that began with state 32."""
    if words.left and state < 2**16:
        raise CorruptStreamError(f"state {state} has given no words away")
    states = [state]
    yield from decode_lanes(states, words, tables, precision)
    if states != [START]:
        raise CorruptStreamError(f"the last state is {states[0]} and not {START}")


def read_lane_states(data, at, lanes):
    """The states of several lanes, and the offset behind them."""
    bits, position = int.from_bytes(data[at:], "big"), 8 * (len(data) - at)
    states = []
    for _ in range(lanes):
        for_length = position - 4
        position = for_length - 16 - (bits >> max(for_length, 0) & 15)
        if position < 0:
            raise CorruptStreamError(f"byte {len(data)}: the data end too early")
        states.append(2 ** (for_length - position) + (bits >> position) % 2 ** (for_length - position))
    if (bits >> position // 8 * 8) % 2 ** (position % 8):
        raise CorruptStreamError("bits behind the states of the lanes")
    return states, len(data) - position // 8


def decode_several(data, lanes, tables, count, precision):
    """Entries coded in several lanes, which hide those of the last symbols in the low halves of the states they began with."""
    tail, at = read_varint(data, 0)
    if not 0 < tail < count:
        raise CorruptStreamError(f"a tail of {tail} symbols")
    states, at = read_lane_states(data, at, lanes)
    yield from decode_lanes(states, Words(data[at:]), islice(tables, count - tail), precision)
    if any(state >> 16 != 1 for state in states):
        raise CorruptStreamError("the last states are not those an encoder begins with")
    hidden = b"".join((state & 0xFFFF).to_bytes(2, "little") for state in states)
    yield from decode_single(int.from_bytes(hidden[:4], "little"), Words(hidden[4:]), islice(tables, tail), precision)


def decode_part(tables, count, precision, data):
    """Yields the symbols of a part of a block, for `count` of `tables`, each of which is asked for when those before are known."""
    flags = take(data, 0, 1)[0]
    log_lanes, dropped, escaped = flags & 7, flags >> 3 & 3, flags >> 5 & 1
    if log_lanes > 5 or (log_lanes and dropped) or flags >> 6:
        raise CorruptStreamError(f"byte 0: no part begins with {flags}")
    at, section = 1, b""
    if escaped:
        size, at = read_varint(data, 1)
        if not 0 < size <= len(data) - at:
            raise CorruptStreamError(f"byte 1: an escape section of {size} bytes")
        data, section = data[:-size], data[-size:]

    if log_lanes:
        entries = decode_several(data[at:], 1 << log_lanes, tables, count, precision)
    else:
        state = take(data, at, 4 - dropped)
        if dropped < 3 and state[-1] == 0:
            raise CorruptStreamError(f"byte {at}: a high zero byte of the state")
        state = START + int.from_bytes(state, "little")
        if state >= 2**32:
            raise CorruptStreamError(f"byte {at}: a state beyond 32 bits")
        entries = decode_single(state, Words(data[at + 4 - dropped :]), islice(tables, count), precision)

    bits = iter([byte >> (7 - i) & 1 for byte in section for i in range(8)])
    for table, entry in entries:
        yield table.symbol(entry, bits)
    rest = list(bits)
    if len(rest) >= 8 or any(rest):
        raise CorruptStreamError(f"{len(rest)} bits of the escape section are left over")


def split_block(data, n):
    """The parts of a block of n symbols: pairs of their number of symbols and their bytes."""
    parts = -(-n // 2**19)
    counts = [n // parts + (p < n % parts) for p in range(parts)]
    sizes, at = [], 0
    for _ in counts[1:]:
        size, at = read_varint(data, at)
        sizes.append(size)
    pieces = []
    for count, size in zip(counts, [*sizes, None]):
        size = len(data) - at if size is None else size
        pieces.append((count, take(data, at, size)))
        at += size
    return pieces


def decode_block(arrays, data, index):
    """The symbols of a block.

    Parameters
    ----------
    arrays : dict
        The tables, as `FrequencyTables.to_arrays` gives them.
    data : bytes
        The block.
    index : array of int, any shape
        The table of every symbol.

    Returns
    -------
    ndarray of int32, the shape of `index`

    Raises
    ------
    CorruptStreamError
        The bytes are not a block of so many symbols of these tables.
    """
    index = np.asarray(index)
    symbols = []
    decode_following(arrays, data, index.size, iter(index.ravel()), symbols)
    return np.array(symbols, np.int32).reshape(index.shape)


def decode_following(arrays, data, count, index, symbols):
    """As `decode_block` with an iterator of tables that may look at the symbols so far, to which each new one is appended."""
    if not count:
        if data:
            raise CorruptStreamError("byte 0: expected an empty block")
        return
    all_tables, precision = split_tables(arrays), int(arrays["precision"])
    tables = (all_tables[t] for t in index)
    for size, part in split_block(data, count):
        for symbol in decode_part(tables, size, precision, part):
            symbols.append(symbol)


# ---- Integer networks ----


def delayed(x, tokens):
    """Of every token the row of x so many tokens before; zeros before the first."""
    return np.concatenate([np.zeros((tokens, x.shape[1]), x.dtype), x])[: len(x)]


def layer_sums(layer, x):
    """The sums of a layer with its biases, int64 [tokens, outputs]."""
    taps = np.moveaxis(layer.weight.astype(np.int64), 1, 0)
    return layer.bias + sum(delayed(x, tap * layer.dilation) @ weight.T for tap, weight in enumerate(taps))


def run_layer(layer, x):
    shift = layer.shift.astype(np.int64)
    lowest, highest = (int(value) for value in layer.clip)
    half = (1 << shift) >> 1
    values = np.clip((layer_sums(layer, x) + half) >> shift, lowest, highest)
    return values if layer.table is None else layer.table.astype(np.int64)[values - lowest]


def clip_inputs(x, limit):
    return np.clip(np.asarray(x, np.int64), -limit, limit)


def run_net(layers, input_limit, x):
    """What a network makes of its first tokens x [tokens, inputs]: int64 [tokens, outputs]."""
    x = clip_inputs(x, input_limit)
    for layer in layers:
        x = run_layer(layer, x)
    return x


def best_row(layer, input_limit, x):
    """For each token the output of the greatest sum, the first among equals: int64 [tokens]."""
    return layer_sums(layer, clip_inputs(x, input_limit)).argmax(axis=1)


# ---- Levels under predicted means and scales ----

NEXT_STATE = np.array([(0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4)])  # after an even level, after an odd one


def odd_quantisers(levels):
    """1 for every level of a token that counts the points of the odd quantiser, else 0."""
    state, odd = 0, []
    for level in levels:
        odd.append(state % 2)
        state = NEXT_STATE[state, level % 2]
    return np.array(odd, np.int64)


def shift_rounded(x, shift):
    return (x + ((1 << shift) >> 1)) >> shift


def spacing_of(exponent):
    """2**(exponent / 8), half a quantisation step, with 24 fractional bits."""
    octave, eighth = divmod(int(exponent), 8)
    root = round(2 ** (30 + eighth / 8))
    return shift_rounded(root, 6 - octave) if octave <= 6 else root << (octave - 6)


class Prediction:
    """Where the decoding of a row of tokens has come to.

    Parameters
    ----------
    net : IntegerNet or None
        From the components of the token before, if it uses context, and side to means and scales.
    grid : tuple
        component_scale int32 and component_shape uint8 [components], the number of scales, the first table.
    unit : ndarray
        int8 [components]; 64ths of 2**unit are what components are for the network.
    uses_context : bool
    inward : tuple of int
        By how many 32nds of a step the points of magnitude 1 and the larger ones move towards 0.
    referred : int
        Earlier tokens that can be referred to.
    adaptation : int
        Tokens that the scales count for before they follow those that were coded; 0 where they stay.
    cost : callable
        Of a table and a level, to its code length there in 1/256 bit.
    """

    def __init__(self, net, grid, unit, uses_context, inward, referred, adaptation, cost):
        self.net = net
        self.component_scale, self.component_shape, self.scales, self.first_table = grid
        self.unit = unit.astype(np.int64)
        self.inward = np.array([0, *inward])
        self.seen = np.zeros(len(unit) if uses_context else 0, np.int64)
        self.inputs = []
        self.referred, self.earlier = referred, []
        self.adaptation, self.cost = adaptation, cost
        self.drift, self.tokens = np.zeros(len(unit), np.int64), 0

    def predict(self, side, base, references):
        """Finds the means, with 16 fractional bits, and the scales of the next token's components; references are pairs of a distance
        and a weight in eighths."""
        self.inputs.append(np.concatenate([self.seen, side]))
        mean, scale = np.zeros((2, len(self.unit)), np.int64)
        if self.net:
            mean, scale = np.split(run_net(self.net.layers, self.net.input_limit, np.array(self.inputs))[-1], 2)
        self.first_mean = (base + mean) * 2 ** (10 + self.unit)
        referred = sum((weight * self.earlier[-distance] for distance, weight in references), np.zeros(len(self.unit), np.int64))
        self.mean = self.first_mean + shift_rounded(referred * 2 ** (10 + self.unit), 3)
        self.scale = (self.component_scale + scale + shift_rounded(self.drift, 8)).astype(np.int32)  # a sum beyond int32 wraps

    def tables(self, levels, token_scale):
        """The table of each level."""
        scale = np.clip(self.scale.astype(np.int64) + token_scale, 0, self.scales - 1)
        return self.first_table + 2 * (self.component_shape.astype(np.int64) * self.scales + scale) + odd_quantisers(levels)

    def adapt(self, levels, token_scale):
        """Moves the scales towards those that would have coded these levels best."""
        if not self.adaptation:
            return
        rate = (46 << 16) // (self.adaptation + min(self.tokens, 2048))
        scale = np.clip(self.scale.astype(np.int64) + token_scale, 0, self.scales - 1)
        tables = self.tables(levels, token_scale)
        for i in np.flatnonzero((scale > 0) & (scale < self.scales - 1)):
            higher, lower = (self.cost(int(tables[i]) + step, int(levels[i])) for step in (2, -2))
            change = shift_rounded(min(max(higher - lower, -4096), 4096) * rate, 16)
            self.drift[i] = min(max(int(self.drift[i]) - change, -24 * 256), 24 * 256)
        self.tokens += 1

    def reconstruct(self, levels, exponent):
        """The components that levels stand for, float64."""
        spacing, levels = spacing_of(exponent), levels.astype(np.int64)
        points = 2 * levels - odd_quantisers(levels) * np.sign(levels)
        magnitude = np.minimum(np.abs(points), 2**56 // spacing)
        moved = 16 * magnitude - self.inward[np.minimum(magnitude, 2)]
        components = self.mean + np.sign(points) * shift_rounded(moved * spacing, 12)
        if len(self.seen):
            self.seen = clip_inputs(shift_rounded(components, 10 + self.unit), 2**15 - 1)
        left = clip_inputs(shift_rounded(components - self.first_mean, 10 + self.unit), 2**15 - 1)
        self.earlier = [*self.earlier, left][-self.referred :] if self.referred else []
        return components / 2**16


def rounded(values, bits):
    """Multiples of 2**-bits, ties to even, of magnitudes up to 2**22 of them."""
    return np.ldexp(np.clip(np.rint(np.ldexp(values, bits)), -(2.0**22), 2.0**22), -bits)


class PayloadDecoder:
    """Frames of a codec with a transform, from its checkpoint alone.

    Parameters
    ----------
    config : dict
        The entry "config" of the checkpoint's config.json.
    tensors : dict of ndarray
    nets : dict
        The networks of the checkpoint, with `layers` and `input_limit`; "predictor" is used. The transform codec has none.
    uses_context : bool
        Whether the family's predictions see earlier tokens.
    """

    def __init__(self, config, tensors, nets, uses_context):
        self.config, self.tensors = config, tensors
        self.arrays = {name: tensors[name] for name in TABLE_ARRAYS if name in tensors}
        self.steps, self.latents = len(tensors["step_offsets"]), config.get("latents", 0)
        self.first_reference = 3 + self.steps + self.latents
        self.classes = config["referred"].bit_length()
        first_level = self.first_reference + (2 * self.classes + 2 if self.classes else 0)
        grid = tensors["component_scale"], tensors["component_shape"], config["scales"], first_level
        tables, precision = split_tables(self.arrays), int(self.arrays["precision"])
        cost = cache(lambda table, level: tables[table].code_length(min(abs(level), 255), precision))
        rules = config["inward"], config["referred"], config["adaptation"], cost
        self.prediction = Prediction(nets.get("predictor"), grid, tensors["unit"], uses_context, *rules)
        self.kinds = 4 + self.latents + 2 * config["references"]
        self.codebook = self._packed_codebook() if "word_exponents" in tensors else tensors["words"].astype(np.int64)

    def _packed_codebook(self):
        t = self.tensors
        arrays = {name: t[f"word_{name}"] for name in TABLE_ARRAYS if f"word_{name}" in t} | {"precision": t["precision"]}
        index = 16 * t["component_classes"].astype(np.int64) + t["word_exponents"][:, None]
        exponents = t["word_exponents"][:, None].astype(np.int64) + t["component_exponents"]
        return decode_block(arrays, t["words"].tobytes(), index).astype(np.int64) << exponents

    def decode(self, payload, tokens, quality):
        """The state of the next tokens, float32 [tokens, channels]."""
        t, channels = self.tensors, self.config["channels"]
        rows, symbols = [], []
        count = tokens * (self.kinds + channels)
        decode_following(self.arrays, payload, count, self._tables(tokens, quality, symbols, rows), symbols)
        if tokens:
            self._reconstruct(symbols, tokens, quality, rows)
        x = self._synthesis(np.array(rows).reshape(tokens, channels))
        gains = np.array(symbols[:tokens], np.int32)
        largest = np.finfo(np.float32).max
        x = np.ldexp(x + t["mean"].astype(np.float64), gains[:, None]).clip(-largest, largest)
        return x.astype(np.float32)

    def _synthesis(self, y):
        """States without mean and gains of components [tokens, channels]."""
        t, config = self.tensors, self.config
        if "synthesis" in t:
            return rounded(y, config["component_bits"]) @ np.ldexp(t["synthesis"].astype(np.float64), -config["synthesis_bits"])
        stages, channels, width = t["synthesis_blocks"].shape
        for stage in range(stages):
            matrix_bits, value_bits = t["synthesis_formats"][stage]
            if stage:  # the c / width outputs of the same place in all blocks of the analysis go back to theirs
                y = y.reshape(len(y), width, channels // width).transpose(0, 2, 1)
            values = rounded(y, value_bits).reshape(len(y), channels // width, width)
            blocks = np.ldexp(t["synthesis_blocks"][stage].astype(np.float64), -matrix_bits)
            y = np.einsum("tbi,bio->tbo", values, blocks.reshape(channels // width, width, width))
            y = y.reshape(len(y), channels)
        return y

    def _tables(self, tokens, quality, symbols, rows):
        """Yields the table of each symbol; `symbols` are those before it."""
        kinds = [0, 1, 2, *range(3 + self.steps, 3 + self.steps + self.latents)]
        for kind in kinds:
            yield from [kind] * tokens
        yield from [3 + step for step in symbols[2 * tokens : 3 * tokens]]
        available = [min(len(self.prediction.earlier) + token, self.config["referred"]) for token in range(tokens)]
        weights, nothing = self.first_reference + 2 * self.classes, self.first_reference + 2 * self.classes + 1
        for slot in range(self.config["references"]):
            last = available if slot == 0 else symbols[-2 * tokens : -tokens]
            first = self.first_reference + (self.classes if slot else 0) - 1
            yield from [first + count.bit_length() if is_open > 0 else nothing for count, is_open in zip(available, last)]
            yield from [weights if distance > 0 else nothing for distance in symbols[-tokens:]]
        for token in range(tokens):
            if token:
                self._reconstruct(symbols, tokens, quality, rows)
            _, side, base, token_scale, references = self._side_information(symbols, tokens, token, quality)
            self.prediction.predict(side, base, references)
            first = len(symbols)
            for component in range(self.config["channels"]):
                levels = np.zeros(self.config["channels"], np.int64)  # those that follow do not matter for this one's table
                levels[:component] = symbols[first:]
                yield self.prediction.tables(levels, token_scale)[component]

    def _side_information(self, symbols, tokens, token, quality):
        t = self.tensors
        of_token = symbols[token : tokens * self.kinds : tokens]
        _, codeword, step, *latents, scale = of_token[: 4 + self.latents]
        references = of_token[4 + self.latents :]
        references = [(distance, weight - 8) for distance, weight in zip(references[::2], references[1::2]) if distance]
        exponent, base = int(t["step_offsets"][step]) - quality, self.codebook[codeword]
        latents = np.clip(16 * np.array(latents, np.int64), -(2**15) + 1, 2**15 - 1)
        side = np.concatenate([base[t["word_components"]], [8 * exponent], latents])
        return exponent, side, base, self.config["zero_scale"] - exponent + int(t["scale_offsets"][scale]), references

    def _reconstruct(self, symbols, tokens, quality, rows):
        """Adds the components of the token whose levels are the last symbols."""
        exponent, _, _, token_scale, _ = self._side_information(symbols, tokens, len(rows), quality)
        levels = np.array(symbols[-self.config["channels"] :])
        self.prediction.adapt(levels, token_scale)
        rows.append(self.prediction.reconstruct(levels, exponent))
