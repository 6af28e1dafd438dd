"""Where the bits of a text go, against what a meter in the model counts."""

import re

import pytest
import torch

from rdcodec import compress_at
from rdcodec.codecs import RawCodec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation import Setting, token_rates


class Letters:
    """A tokenizer of the letters from A on; token 100 is none."""

    def decode(self, tokens, skip_special_tokens=False):
        return "".join(chr(65 + token) for token in tokens if token != 100)


@pytest.fixture
def setting():
    return Setting("fp16 + zlib", RawCodec(32, compression="zlib"), layer=2)


def test_bits_are_those_of_frames_in_the_model(model, windows, setting):
    found = token_rates(model, Letters(), windows[0], setting)
    bits = {}
    for frame_tokens in (1, None):
        with torch.no_grad(), compress_at(model, setting.codec, layer=2, frame_tokens=frame_tokens) as meter:
            model(windows[:1])
        bits[frame_tokens] = 8 * meter.bytes
    assert len(set(found.bits)) > 1 and sum(found.bits) == bits[1]
    assert found.window_bits == bits[None] / 24
    assert found.setting is setting


def test_pieces_are_the_text(model, setting):
    assert token_rates(model, Letters(), torch.tensor([3, 100, 1]), setting).pieces == ["D", "", "B"]


def test_what_is_no_window_is_refused(model, windows, setting):
    for wrong in (windows, windows[0, :0]):
        with pytest.raises(RdcodecError, match=re.escape(f"window: expected [tokens], at least 1, got shape {tuple(wrong.shape)}")):
            token_rates(model, Letters(), wrong, setting)
