"""Blocks decoded piece by piece, as codecs read them."""


def decoded_in_segments(tables, block, index, rng):
    """The symbols of a block, decoded in segments of random lengths, none among them."""
    decoder, decoded = tables.decoder(block, len(index)), []
    while len(decoded) < len(index):
        step = min(len(index) - len(decoded), int(rng.choice([0, 1, 7, 100, 5000])))
        decoded += decoder.decode(index[len(decoded) : len(decoded) + step]).tolist()
    decoder.finish()
    return decoded
