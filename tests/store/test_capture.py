"""What passes through a model is what the store holds, token by token."""

import numpy as np
import pytest

from rdcodec import ModelMismatchWarning, RdcodecError
from rdcodec.codecs import Origin, RawCodec
from rdcodec.store import Store

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from rdcodec.splits import head_states  # noqa: E402
from rdcodec.store import capture  # noqa: E402
from rdcodec.store.sources import pack  # noqa: E402
from rdcodec.store.texts import layer_states, text_sources  # noqa: E402

CHANNELS = 32


@pytest.fixture(scope="module")
def model(one_thread):
    torch.manual_seed(3)
    sizes = {"vocab_size": 97, "hidden_size": CHANNELS, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = transformers.LlamaConfig(**sizes, max_position_embeddings=64, pad_token_id=0, eos_token_id=None)
    return transformers.LlamaForCausalLM(config).half().float().to(torch.bfloat16).eval()


@pytest.fixture
def codec():
    return RawCodec(CHANNELS, "bfloat16")


def tokens(*shape, seed=0):
    return torch.randint(1, 97, shape, generator=torch.Generator().manual_seed(seed))


def test_passes_are_written(path, model, codec):
    ids, mask = tokens(3, 10), torch.ones(3, 10, dtype=torch.int64)
    mask[1, :4] = 0
    with torch.no_grad(), capture(path, model, [2, 1], codec, group_tokens=8):
        model(ids, attention_mask=mask)
        model(input_ids=ids[:1])
    store = Store.open(path)
    assert list(store.places) == ["layer2", "layer1"] and len(store) == 3 * 10 - 4 + 10
    expected = model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
    for layer in (1, 2):
        found = store[f"layer{layer}"]
        assert torch.equal(found[:10], expected[layer][0]) and torch.equal(found[10:16], expected[layer][1, 4:])
        assert torch.equal(found[26:], head_states(model, layer, ids[:1])[0])
    assert list(store.token_ids()) == [*ids[0], *ids[1, 4:], *ids[2], *ids[0]]
    assert [(d.id, d.stop - d.start) for d in store.documents] == [("0", 10), ("10", 6), ("16", 10), ("26", 10)]
    assert store["layer1"].codec.origin.model_type == "llama" and codec.origin is None


def test_it_goes_on(path, model, codec):
    for seed in (0, 1):
        with torch.no_grad(), capture(path, model, 1, codec, documents=[f"seed {seed}"]) as writer:
            assert len(writer) == 12 * seed
            model(tokens(1, 12, seed=seed))
    store = Store.open(path)
    assert [d.id for d in store.documents] == ["seed 0", "seed 1"]
    assert torch.equal(store[12:], head_states(model, 1, tokens(1, 12, seed=1))[0])
    with pytest.raises(RdcodecError, match="the store there is another one"):
        with capture(path, model, 2, codec):
            pass
    Store.append(path).close()


def test_what_is_refused(path, model, codec):
    with torch.no_grad(), capture(path, model, 1, codec, documents=["one"]) as writer:
        with pytest.raises(RdcodecError, match="goes on with a cache"):
            model.generate(tokens(1, 5), max_new_tokens=3, do_sample=False)
        assert len(writer) == 5
        with pytest.raises(RdcodecError, match="no input_ids"):
            model(inputs_embeds=torch.zeros(1, 3, CHANNELS, dtype=torch.bfloat16))
        with pytest.raises(RdcodecError, match="documents: expected an id for each row"):
            model(tokens(1, 5))
    for layers, codecs, message in (
        ([], codec, "layers"),
        ([1, 1], codec, "layers"),
        ([1, 2], [codec], "layers"),
        (4, codec, "layer"),
        (1, RawCodec(8), "channels"),
    ):
        with pytest.raises(RdcodecError, match=message), capture(path.with_name("other"), model, layers, codecs):
            pass
    assert not path.with_name("other").exists()
    codec.origin = Origin("llama", "0" * 16)
    with pytest.warns(ModelMismatchWarning), capture(path.with_name("other"), model, 1, codec):
        pass


def test_several_layers_in_one_pass(model):
    found = layer_states(model, [2, 0], tokens(2, 7))
    for layer in (0, 2):
        assert torch.equal(found[layer], head_states(model, layer, tokens(2, 7)))


class Letters:
    def __call__(self, text, verbose=False):
        return {"input_ids": [ord(letter) % 96 + 1 for letter in text]}


@pytest.mark.parametrize("had", [0, 3, 16, 24, 25, 90, 148])
def test_texts_are_packed_and_go_on(path, model, codec, had):
    texts = {"a": "some text of 24 letters.", "none": "", "b": "and another one that is longer " * 4}
    sources = text_sources(model, Letters(), texts, [1], window=16)
    assert [(source.id, source.tokens) for source in sources] == [("a", 24), ("b", 124)]
    ids = [torch.tensor(Letters()(texts[name])["input_ids"]) for name in "ab"]
    expected = torch.cat([head_states(model, 1, part[None])[0] for text in ids for part in text.split(16)])
    ids = torch.cat(ids)
    with Store.create(path, {"layer1": codec}, dtype="bfloat16", token_ids=True, group_tokens=8) as writer:
        for start, stop, name in ((0, 24, "a"), (24, 148, "b")):
            ending = {"document": name} if had >= stop else {}
            writer.add({"layer1": expected[start : min(stop, had)]}, token_ids=ids[start : min(stop, had)], **ending)
    with Store.append(path) as writer:
        assert pack(writer, sources, 148) == 148 - had
    store = Store.open(path)
    assert np.array_equal(store.token_ids(), ids) and torch.allclose(store[:].float(), expected.float(), atol=0.05)
    assert [(d.id, d.start, d.stop) for d in store.documents] == [("a", 0, 24), ("b", 24, 148)]
    with Store.append(path) as writer, pytest.raises(RdcodecError, match="holds 148 tokens, the sources have 24"):
        pack(writer, sources[:1], 24)
