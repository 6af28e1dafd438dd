"""Random networks and inputs."""

import numpy as np
from hypothesis import strategies as st

from rdcodec.net import IntegerNet, Layer

INPUT_LIMIT = 1984


def random_layer(rng, outputs, taps, inputs, dilation=1, dtype=np.int8, has_table=False):
    largest = 127 if dtype == np.int8 else 300
    lowest, highest = int(rng.integers(-900, 1)), int(rng.integers(0, 900))
    return Layer(
        rng.integers(-largest, largest + 1, (outputs, taps, inputs)).astype(dtype),
        rng.integers(-1000, 1000, outputs).astype(np.int32),
        rng.integers(0, 15, outputs).astype(np.uint8),
        np.array([lowest, highest], np.int16),
        dilation,
        rng.integers(-500, 500, highest - lowest + 1).astype(np.int16) if has_table else None,
    )


def random_inputs(rng, tokens, inputs):
    """int16 [tokens, inputs], some beyond INPUT_LIMIT."""
    return rng.integers(-2 * INPUT_LIMIT, 2 * INPUT_LIMIT, (tokens, inputs)).astype(np.int16)


@st.composite
def nets_and_inputs(draw, most_taps=4, most_layers=3):
    """Pairs of an IntegerNet and of inputs for it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels = draw(st.lists(st.integers(1, 70), min_size=2, max_size=most_layers + 1))
    layers = [
        random_layer(
            rng,
            outputs,
            draw(st.integers(1, most_taps)),
            inputs,
            draw(st.integers(1, 40)),
            draw(st.sampled_from([np.int8, np.int16])),
            draw(st.booleans()),
        )
        for inputs, outputs in zip(channels, channels[1:])
    ]
    return IntegerNet(layers, INPUT_LIMIT), random_inputs(rng, draw(st.integers(0, 150)), channels[0])
