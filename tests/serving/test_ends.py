"""Head and tail, each with its own blocks and caches: the same tokens as `compress_at` in one process."""

import pytest
import torch
import transformers
from safetensors import safe_open
from tiny_ends import LAYER, LAYERS, MAKERS, PROMPT, generated, prompts, save

from rdcodec import RdcodecError
from rdcodec.codecs import RawCodec
from rdcodec.errors import CorruptStreamError, LimitError
from rdcodec.serving import Head, Sampling, Tail, load_tail, part_of

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error::rdcodec.ModelMismatchWarning")]

NEW = 12
DRAWN = Sampling(temperature=0.8, top_k=20, top_p=0.95, seed=11)
SAMPLINGS = {"greedy": Sampling(), "drawn": DRAWN, "penalty": Sampling(temperature=1.3, repetition_penalty=1.2, seed=3)}


def ends(folder, codec, layer=LAYER):
    return Head.from_pretrained(folder, layer, codec), Tail.from_pretrained(folder, layer, codec)


def text_of_ends(head, tail, ids, mask, sampling, new=NEW):
    """Tokens [rows, new]."""
    rows = [row[keep.bool()].tolist() for row, keep in zip(ids, mask)]
    there = tail.session(len(ids), sampling, rows if sampling.needs_prompt else None)
    here, tokens, given = head.session(len(ids)), [], mask
    for _ in range(new):
        tokens.append(there.step(here.frames(here.states(ids, given))).tokens)
        ids, given = tokens[-1][:, None], None
    return torch.stack(tokens, 1)


@pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
@pytest.mark.parametrize("name", MAKERS)
def test_tokens_are_those_of_one_process(name, sampling, folder_of, whole_of, codec_of):
    """A batch with padding, of which no end has the other's blocks."""
    (model, tokenizer), codec = whole_of(name), codec_of(name)
    ids, mask = prompts(tokenizer, PROMPT, "Classes")
    expected = generated(model, LAYER, codec, ids, mask, NEW, sampling)
    assert torch.equal(text_of_ends(*ends(folder_of(name), codec), ids, mask, sampling), expected)


@pytest.mark.parametrize("layer", [0, 1, LAYERS - 1])
@pytest.mark.parametrize("name", ["gemma3_text", "gpt2"])
def test_tokens_of_any_layer(name, layer, folder_of, whole_of):
    model, tokenizer = whole_of(name)
    ids, mask = prompts(tokenizer, PROMPT)
    codec = RawCodec(model.config.hidden_size)
    expected = generated(model, layer, codec, ids, mask, NEW, DRAWN)
    assert torch.equal(text_of_ends(*ends(folder_of(name), codec, layer), ids, mask, DRAWN), expected)


def test_prompts_longer_than_a_frame(whole_of, codec_of):
    """Rows whose frames are several, of which the last is short; one model may be both ends."""
    model, tokenizer = whole_of("llama")
    codec = codec_of("llama")
    part = part_of(model, LAYER, tokenizer)
    head, tail = Head(part, codec), Tail(part, codec)
    here, there = head.session(2), tail.session(2)
    ids, mask = prompts(tokenizer, PROMPT, PROMPT[:9])
    states = here.states(ids, mask)
    whole = there.step(here.frames(states)).logits
    cut = head.session(2)
    frames = [[encoder.encode(part) for part in row.split(7)] for encoder, row in zip(cut.encoders, states)]
    assert [len(row) for row in frames] == [6, 2]
    values, given = tail.session(2).decode(frames)
    assert torch.equal(given, mask) and values.shape == (2, len(PROMPT), 48) and whole.shape == (2, 256)


def test_parts_hold_their_own_blocks_alone(folder_of, whole_of, codec_of):
    model, _ = whole_of("llama")
    head, tail = ends(folder_of("llama"), codec_of("llama"))
    sizes = {name: sum(weight.numel() for weight in module.parameters()) for name, module in model.named_children()}
    block = sum(weight.numel() for weight in model.model.layers[0].parameters())
    embeddings = model.model.embed_tokens.weight.numel()
    assert sum(weight.numel() for weight in head.part.site.model.parameters()) == LAYER * block + embeddings + 48  # the last norm
    assert sum(weight.numel() for weight in tail.part.site.model.parameters()) == (LAYERS - LAYER) * block + sizes["lm_head"] + 48
    assert head.part.fingerprint == tail.part.fingerprint == part_of(model, LAYER).fingerprint
    assert head.part.tokenizer is not None and tail.part.tokenizer is None


def test_only_the_own_shards_are_read(folder_of, monkeypatch):
    """Of safetensors: tensors of the blocks in between, which neither the tail nor its fingerprint needs, are never touched."""
    read = []
    monkeypatch.setattr("transformers.modeling_utils.safe_open", lambda *args, **kwargs: Watched(safe_open(*args, **kwargs), read))
    load_tail(folder_of("llama"), 3)
    assert read and not any("layers.1." in name for name in read)


class Watched:
    """An open file that notes which tensors are read."""

    def __init__(self, file, read, name=None):
        self.file, self.read, self.name = file, read, name

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return self.file.__exit__(*error)

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __getitem__(self, index):
        self.read.append(self.name)
        return self.file[index]

    def get_slice(self, name):
        return Watched(self.file.get_slice(name), self.read, name)


def test_other_models_have_other_fingerprints(tmp_path, folder_of):
    other = save("llama", tmp_path / "other", seed=6)
    assert load_tail(other, LAYER).fingerprint != load_tail(folder_of("llama"), LAYER).fingerprint


def test_a_wrong_frame_leaves_the_session_as_it_was(whole_of, codec_of):
    model, tokenizer = whole_of("llama")
    part = part_of(model, LAYER, tokenizer)
    head, tail = Head(part, codec_of("llama")), Tail(part, codec_of("llama"))
    here, there = head.session(), tail.session()
    ids, _ = prompts(tokenizer, PROMPT)
    prompt = here.frames(here.states(ids))
    for wrong in ([], [[]], [prompt[0], prompt[0]], [[b""]], [[prompt[0][0][:-1]]], [[prompt[0][0] + b"\0"]]):
        with pytest.raises(CorruptStreamError):
            there.step(wrong)
    first = there.step(prompt).logits
    with pytest.raises(CorruptStreamError):
        there.step(prompt)
    step = here.frames(here.states(first.argmax(-1)[:, None]))
    damaged = bytearray(step[0][0])
    damaged[-1] ^= 1
    with pytest.raises(CorruptStreamError):
        there.step([[bytes(damaged)]])
    assert there.context.tokens == ids.shape[1] and there.step(step).logits.shape == (1, 256)


def test_limits(whole_of, codec_of):
    model, tokenizer = whole_of("llama")
    part = part_of(model, LAYER, tokenizer)
    head, tail = Head(part, codec_of("llama")), Tail(part, codec_of("llama"))
    with pytest.raises(LimitError, match="tokens: the model takes 128, got 129"):
        head.session().states(torch.ones(1, 129, dtype=torch.int64))
    here = head.session()
    with pytest.raises(LimitError, match="max_tokens=4"):
        tail.session().step(here.frames(here.states(torch.ones(1, 5, dtype=torch.int64))), max_tokens=4)
    with pytest.raises(RdcodecError, match=r"input_ids: expected \[1, tokens\]"):
        head.session().states(torch.ones(2, 5, dtype=torch.int64))


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": 2}, {"seed": -1}, {"temperature": float("nan")}, {"repetition_penalty": 0}]
)
def test_samplings_out_of_range(wrong):
    with pytest.raises(RdcodecError, match=next(iter(wrong))):
        Sampling(**wrong)


def test_a_penalty_needs_the_prompts(whole_of, codec_of):
    model, _ = whole_of("llama")
    tail = Tail(part_of(model, LAYER), codec_of("llama"))
    with pytest.raises(RdcodecError, match="prompts"):
        tail.session(2, Sampling(repetition_penalty=1.1), [[1]])


def test_models_that_cannot_be_apart():
    config = transformers.BertConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, vocab_size=20)
    with pytest.raises(RdcodecError, match="decoder of text"):
        part_of(transformers.BertForSequenceClassification(config), 1)
