"""Small random models in folders, with a tokenizer of bytes, and codecs that were calibrated to them."""

from pydoc_data.topics import topics

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rdcodec import calibrate, compress_at, load_model

LAYERS = 4
LAYER = 2
POSITIONS = 128
TEXT = {
    "vocab_size": 256,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GROUPED = {**TEXT, "num_key_value_heads": 2}
SLIDING = {"sliding_window": 6, "layer_types": ["full_attention", "full_attention", "sliding_attention", "sliding_attention"]}
GPT2 = {name: TEXT[name] for name in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")}
MAKERS = {
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**GROUPED)),
    "tied": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**GROUPED, tie_word_embeddings=True)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**GROUPED, **SLIDING, use_sliding_window=True)),
    "gemma3_text": lambda: transformers.Gemma3ForCausalLM(
        transformers.Gemma3TextConfig(**GROUPED, **SLIDING, head_dim=16, query_pre_attn_scalar=16)
    ),
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(**GPT2, n_embd=48, n_layer=LAYERS, n_head=4, n_positions=POSITIONS)
    ),
}
PROMPT = "The lambda keyword makes small functions"


def save(name, folder, seed=5):
    """Write a random model to a folder, in shards of which each holds a few tensors."""
    torch.manual_seed(seed)
    model = MAKERS[name]()
    with torch.no_grad():  # weights as small as random ones would hide any error in the states
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(folder, max_shard_size="100KB")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    return folder


def calibrated(folder, layer=LAYER):
    model, tokenizer = load_model(folder)
    return calibrate(model, tokenizer, list(topics.values())[:40], layer, tokens=1000)


def prompts(tokenizer, *texts):
    """(input_ids, attention_mask) [rows, tokens], padded on the left."""
    rows = [torch.tensor(tokenizer(text)["input_ids"]) for text in texts]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_side="left")
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side="left")
    return ids, mask


def generated(model, layer, codec, ids, mask, new, sampling=None):
    """Tokens [rows, new] of `compress_at` in one process: what two ends have to say as well."""
    drawn = {"do_sample": False}
    if sampling is not None and sampling.temperature:
        drawn = {"do_sample": True, "temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p}
        torch.manual_seed(sampling.seed)
    penalty = {} if sampling is None else {"repetition_penalty": sampling.repetition_penalty}
    with compress_at(model, codec, layer=layer):
        output = model.generate(ids, attention_mask=mask, max_new_tokens=new, min_new_tokens=new, **drawn, **penalty)
    return output[:, ids.shape[1] :]
