"""A GGUF file of a Llama of two narrow blocks and a few words."""

import gguf
import numpy as np

CHANNELS, BLOCKS, HIDDEN, WORDS = 32, 2, 64, ["<unk>", "o", "n", "on"]


def write_gguf(path, seed=0):
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(CHANNELS)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(WORDS)
    writer.add_token_merges(["o n"])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    for name, *shape in _matrices():
        values = random.standard_normal(shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0 if len(shape) == 2 else None
        writer.add_tensor(name, values if kind is None else gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _matrices():
    yield "token_embd.weight", len(WORDS), CHANNELS
    yield "output.weight", len(WORDS), CHANNELS
    yield "output_norm.weight", CHANNELS
    for i in range(BLOCKS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{i}.{name}.weight", CHANNELS, CHANNELS
        yield f"blk.{i}.ffn_gate.weight", HIDDEN, CHANNELS
        yield f"blk.{i}.ffn_up.weight", HIDDEN, CHANNELS
        yield f"blk.{i}.ffn_down.weight", CHANNELS, HIDDEN
        yield f"blk.{i}.attn_norm.weight", CHANNELS
        yield f"blk.{i}.ffn_norm.weight", CHANNELS
