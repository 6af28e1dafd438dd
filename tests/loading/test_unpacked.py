"""GGUF files are read once: what is kept of them is what they hold, and is never needed."""

import errno
import os
import shutil
import threading

import pytest
import torch
import transformers
from huggingface_hub.utils import _cache_assets
from tiny_gguf import write_gguf

import rdcodec.unpacked
from rdcodec import RdcodecError, load_model
from rdcodec.models import load_weights


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Hugging Face's folder of assets."""
    monkeypatch.setattr(_cache_assets, "HF_ASSETS_CACHE", str(tmp_path / "assets"))
    return tmp_path / "assets"


@pytest.fixture
def file(tmp_path):
    write_gguf(tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


@pytest.fixture
def reads(monkeypatch):
    """How often models were made of a GGUF file."""
    count, usual = [], transformers.modeling_utils.PreTrainedModel.from_pretrained.__func__

    def counted(cls, *args, gguf_file=None, **kwargs):
        count.extend([gguf_file] * (gguf_file is not None))
        return usual(cls, *args, gguf_file=gguf_file, **kwargs)

    monkeypatch.setattr(transformers.modeling_utils.PreTrainedModel, "from_pretrained", classmethod(counted))
    return count


def kept(cache):
    return sorted(path.parent.name for path in cache.glob("rdcodec/gguf/*/*"))


def same(model, other):
    mine, others = model.state_dict(), other.state_dict()
    return mine.keys() == others.keys() and all(torch.equal(mine[name], others[name]) for name in mine)


def plainly(file, dtype="float32"):
    return transformers.AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_what_is_kept_is_what_the_file_holds(cache, file, reads, dtype):
    plain, reads[:] = plainly(file, dtype), []
    for _ in range(2):
        model, tokenizer = load_model(file, dtype)
        assert same(model, plain) and model.dtype == plain.dtype and not model.training
        of_file = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
        assert tokenizer.backend_tokenizer.to_str() == of_file.backend_tokenizer.to_str()
        assert tokenizer.special_tokens_map == of_file.special_tokens_map
    assert reads == ["tiny.gguf"]
    assert kept(cache) == ["tokenizer", "weights"]


def test_parts_are_read_from_what_is_kept(cache, file, reads):
    for _ in range(2):
        model = load_weights(file, prepare=lambda model: model.model.layers[1]._modules.clear())
        assert not list(model.model.layers[1].parameters())
        assert torch.equal(model.model.layers[0].mlp.up_proj.weight, plainly(file).model.layers[0].mlp.up_proj.weight)
    assert reads.count("tiny.gguf") == 1 + 2


def test_another_file_of_the_same_name_is_another_model(cache, file):
    first = load_weights(file)
    write_gguf(file, seed=1)
    os.utime(file, ns=(1, 1))
    assert same(load_weights(file), plainly(file)) and not same(load_weights(file), first)


def test_a_large_file_is_not_kept(cache, file, monkeypatch):
    monkeypatch.setattr(rdcodec.unpacked, "MAX_FILE_BYTES", file.stat().st_size - 1)
    assert same(load_model(file)[0], plainly(file))
    assert kept(cache) == []


def test_a_cache_that_is_none(cache, file):
    cache.write_text("a file")
    assert same(load_model(file)[0], plainly(file))
    cache.unlink()
    (cache / "rdcodec").mkdir(parents=True)
    (cache / "rdcodec" / "gguf").write_text("a file")
    assert same(load_model(file)[0], plainly(file))


def test_a_full_disk_leaves_nothing_behind(cache, file, monkeypatch):
    def full(self, folder, *args, **kwargs):
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(transformers.LlamaForCausalLM, "save_pretrained", full)
    assert same(load_weights(file), plainly(file))
    assert kept(cache) == []


def test_what_was_deleted_is_made_again(cache, file, reads):
    load_model(file)
    shutil.rmtree(cache)
    load_model(file)
    assert reads == ["tiny.gguf"] * 2
    assert kept(cache) == ["tokenizer", "weights"]


def test_several_at_once_make_one(cache, file):
    plain, together, found = plainly(file), threading.Barrier(3), []

    def load():
        together.wait()
        found.append(load_weights(file))

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and all(same(model, plain) for model in found)
    assert kept(cache) == ["weights"]


def test_a_damaged_file_says_so_and_is_not_kept(cache, file):
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(RdcodecError, match="model .*tiny.gguf"):
        load_model(file)
    assert kept(cache) == []
