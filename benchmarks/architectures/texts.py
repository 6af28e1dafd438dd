"""Small language models of a text, and their tokenizer."""

import math
from functools import partial

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedTokenizerFast,
)

from rdcodec.evaluation import cut_text

from .learning import trained
from .tasks import ImageTask, TextTask, named

VOCABULARY = 1024
CONTEXT = 128
CHANNELS = 160
LAYERS = 4
HEADS = 4
BATCH = 16
STRETCH = 10_000  # characters of a text ...
HELD_OUT = 20  # ... of which one in so many is held out
HIDDEN = 0.15  # of the words of a masked model, which stand for this id:
MASK = VOCABULARY
NO_MARKS = {"bos_token_id": None, "eos_token_id": None}
FITTED = 400  # windows of a masked model


def gpt2(channels=CHANNELS, layers=LAYERS):
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT,
        n_embd=channels,
        n_layer=layers,
        n_head=HEADS,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2LMHeadModel(config)


def _config(kind, hidden=4, **others):
    """Of a model of these sizes, hidden layers `hidden` times as wide, as most kinds name them."""
    sizes = {
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "hidden_size": CHANNELS,
        "intermediate_size": hidden * CHANNELS,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
    }
    return kind(**sizes | others)


def gpt_neox():
    return GPTNeoXForCausalLM(_config(GPTNeoXConfig, **NO_MARKS))


def llama():
    return LlamaForCausalLM(_config(LlamaConfig, hidden=3, num_key_value_heads=HEADS // 2, **NO_MARKS))


def opt():
    return OPTForCausalLM(_config(OPTConfig, word_embed_proj_dim=CHANNELS, ffn_dim=4 * CHANNELS, pad_token_id=None, **NO_MARKS))


def bert():
    return BertForMaskedLM(_config(BertConfig, vocab_size=MASK + 1))


TEXT_MODELS = {"GPT-2": gpt2, "GPT-NeoX": gpt_neox, "Llama": llama, "OPT": opt}


def text_tasks(names, texts, folder, minutes, windows, progress):
    """`TextTask` s at the middle layer of models trained on all but some stretches of texts."""
    fit, held_out = _parted(texts)
    tokenizer = tokenizer_of(fit, folder / "tokenizer")
    found = torch.cat(cut_text(tokenizer, "\n\n".join(held_out), CONTEXT, windows))
    measured = found[torch.linspace(0, len(found) - 1, windows).round().long()]
    batch = batches(tokenizer, fit)
    for name in names:
        report = partial(named, progress, name)
        model = trained(TEXT_MODELS[name], folder / name, batch, minutes, report)
        yield TextTask(name, model, LAYERS // 2, measured, None, tokenizer, fit)


def masked_task(texts, measured, folder, minutes, progress):
    """`ImageTask` of a small BERT that says which words of windows int64 [windows, tokens] were hidden, at random and once."""
    fit, _ = _parted(texts)
    tokenizer = tokenizer_of(fit, folder / "tokenizer")
    batch = batches(tokenizer, fit)

    def hidden(generator):
        ids = batch(generator)["input_ids"]
        masked = _hidden(ids, generator)
        return {"input_ids": masked, "labels": torch.where(masked == MASK, ids, -100)}

    model = trained(bert, folder / "BERT", hidden, minutes, partial(named, progress, "BERT"))
    generator = torch.Generator().manual_seed(1)
    fitted = torch.cat([batch(generator)["input_ids"] for _ in range(FITTED // BATCH)])
    bits = CONTEXT * math.log2(VOCABULARY + 1)
    return ImageTask("BERT", model, LAYERS // 2, _hidden(measured, generator), None, _hidden(fitted, generator), bits)


def _hidden(ids, generator):
    return torch.where(torch.rand(ids.shape, generator=generator) < HIDDEN, MASK, ids)


def batches(tokenizer, texts):
    """A function (generator) -> arguments of a forward pass, of stretches of texts."""
    ids = torch.cat([torch.tensor(tokenizer(text, verbose=False)["input_ids"]) for text in texts])

    def batch(generator):
        starts = torch.randint(len(ids) - CONTEXT, (BATCH,), generator=generator)
        rows = torch.stack([ids[start : start + CONTEXT] for start in starts])
        return {"input_ids": rows, "labels": rows}

    return batch


def _parted(texts):
    """Texts to fit to, and stretches between them."""
    fit, held_out, run = [], [], HELD_OUT * STRETCH
    for text in texts:
        for start in range(0, len(text), run):
            fit.append(text[start : start + run - STRETCH])
            held_out.append(text[start + run - STRETCH : start + run])
    return fit, held_out


def tokenizer_of(texts, folder):
    """Byte-pair encoding trained on texts, or the one of the folder."""
    if not (folder / "tokenizer.json").is_file():
        pairs = Tokenizer(models.BPE())
        pairs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        pairs.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
        pairs.train_from_iterator(texts, trainer)
        PreTrainedTokenizerFast(tokenizer_object=pairs).save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)
