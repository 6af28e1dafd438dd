"""A model that nothing here was tuned to: a small random Qwen 2 in a folder, with a tokenizer of bytes."""

from pydoc_data.topics import topics

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rdcodec.calibration import calibrate
from rdcodec.models import load_model

CHANNELS = 48
LAYERS = 3
LAYER = 1


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("model")
    torch.manual_seed(5)
    config = transformers.Qwen2Config(
        vocab_size=256,
        hidden_size=CHANNELS,
        intermediate_size=96,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = transformers.Qwen2ForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(directory)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def texts():
    """(for calibration, for measuring), no paragraph in both."""
    paragraphs = list(dict.fromkeys("\n\n".join(topics.values()).split("\n\n")))
    return "\n\n".join(paragraphs[:100]), "\n\n".join(paragraphs[100:200])


@pytest.fixture(scope="session")
def text_files(texts, tmp_path_factory):
    directory = tmp_path_factory.mktemp("text")
    for name, text in zip(("fit.txt", "test.txt"), texts, strict=True):
        (directory / name).write_text(text, encoding="utf-8")
    return directory / "fit.txt", directory / "test.txt"


@pytest.fixture(scope="session")
def codec(model_dir, texts):
    model, tokenizer = load_model(str(model_dir))
    return calibrate(model, tokenizer, [texts[0]], LAYER, tokens=1000)


@pytest.fixture(scope="session")
def codec_dir(codec, tmp_path_factory):
    directory = tmp_path_factory.mktemp("codec")
    codec.save_pretrained(directory)
    return directory
