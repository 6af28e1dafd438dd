"""Passages whose last word is predicted: how they are cut, and what a row says of them."""

import math

import pytest
import torch
from small_model import CHANNELS, VOCABULARY

from rdcodec import compress_at
from rdcodec.codecs import IntegerCodec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation import Passages, Setting, cut_passages, evaluate


class Letters:
    """A tokenizer of characters."""

    def __call__(self, text, verbose=True):
        return {"input_ids": [ord(letter) for letter in text]}


PARAGRAPH = "It was {number} days ago.\nThere were no more words . Then came the end {letter}x."
TEXT = "\n \n".join(PARAGRAPH.format(number=number, letter=letter) for number, letter in zip(range(9), "abcdefghi"))


def said(ids):
    return "".join(map(chr, ids.tolist()))


def test_passages_are_sentences_up_to_a_last_word():
    passages = cut_passages(Letters(), TEXT, 9, (40, 60))
    for ids, words in zip(passages.ids, passages.words, strict=True):
        assert said(ids).startswith("It was ") and said(ids).endswith("There were no more words")
        assert 40 <= len(ids) <= 60 and said(ids[-words:]) == " words"
    assert len({said(ids) for ids in passages.ids}) == 9


def test_passages_are_drawn_by_a_seed():
    first, again, other = (cut_passages(Letters(), TEXT, 5, (40, 60), seed) for seed in (1, 1, 2))
    assert [said(ids) for ids in first.ids] == [said(ids) for ids in again.ids] != [said(ids) for ids in other.ids]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "passages: expected at least 1, got 0"), ((5, (2, 9)), "tokens: expected the fewest"), ((10, (40, 60)), "it makes 9")],
)
def test_what_cannot_be_cut(arguments, message):
    with pytest.raises(RdcodecError, match=message):
        cut_passages(Letters(), TEXT, *arguments)


@pytest.fixture
def passages():
    generator = torch.Generator().manual_seed(4)
    return Passages([torch.randint(VOCABULARY, (length,), generator=generator) for length in (9, 12, 9, 20, 9)], [1, 2, 3, 1, 1])


def test_a_row_is_what_a_hooked_model_gives(model, passages):
    """Passage by passage, without batches: nothing is sent of the last token, and a word is right where all of its tokens are."""
    codec, size, kl, change, right = IntegerCodec(CHANNELS, 4), 0, [], [], []
    for ids, words in zip(*passages):
        sent, word = ids[:-1], ids[-words:]
        with torch.no_grad():
            p = model(sent[None]).logits[0, -words:].double().log_softmax(1)
            with compress_at(model, codec, layer=2) as meter:
                q = model(sent[None]).logits[0, -words:].double().log_softmax(1)
        size += meter.bytes
        kl.append(float((p.exp() * (p - q)).sum(1).mean()))
        change.append(float((p - q).gather(1, word[:, None]).sum()))
        right.append(float((q.argmax(1) == word).all()))
    (row,) = evaluate(model, passages, [Setting("int4", codec, layer=2)])
    assert (row.predicted, row.tokens) == ("last words", 54)
    assert row.bits_per_token == 8 * size / 54
    assert row.window_kl == pytest.approx(kl, rel=1e-3) and row.kl == pytest.approx(sum(kl) / 5, rel=1e-3)
    assert row.window_nll == pytest.approx(change, rel=1e-2, abs=1e-5)
    assert row.window_accuracy == right and row.accuracy == sum(right) / 5


def test_words_that_the_model_says(model):
    """It is right about what it says itself, and says the same through a codec that loses nothing to speak of."""
    begin = torch.arange(10)[None]
    ids = model.generate(begin, attention_mask=torch.ones_like(begin), max_new_tokens=3, do_sample=False, pad_token_id=0)[0]
    (row,) = evaluate(model, Passages([ids, ids], [3, 2]), [Setting("int8", IntegerCodec(CHANNELS, 8), layer=1)])
    assert row.base_accuracy == row.accuracy == row.agreement == 1 and row.delta_accuracy_stderr == 0


def test_bits_by_position(model, passages):
    """By octaves, where each token is a frame; together they are the rate."""
    setting = Setting("int4", IntegerCodec(CHANNELS, 4), layer=2)
    (row,), (whole,) = (evaluate(model, passages, [setting], frame_tokens=frames) for frames in (1, None))
    assert whole.position_bits == [] and len(row.position_bits) == 5
    counts = [5, 15, 20, 3 + 8, 3]  # of tokens at 0, 1-3, 4-7, 8-15, 16-18: 8, 11, 8, 19 and 8 are sent
    assert math.fsum(bits * count for bits, count in zip(row.position_bits, counts)) / 54 == pytest.approx(row.bits_per_token)


def test_passages_that_do_not_fit(model, passages):
    setting = [Setting("int4", IntegerCodec(CHANNELS, 4), layer=2)]
    with pytest.raises(RdcodecError, match="at least 1 passage"):
        evaluate(model, Passages([], []), setting)
    with pytest.raises(RdcodecError, match="at most 40 tokens"):
        evaluate(model, Passages([torch.zeros(42, dtype=torch.int64)], [1]), setting)
    with pytest.raises(RdcodecError, match="expected none besides passages"):
        evaluate(model, passages, setting, labels=torch.zeros(5, dtype=torch.int64))
