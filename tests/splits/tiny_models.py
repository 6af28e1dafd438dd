"""A tiny random model of every known architecture, and what is tried with it: the table of docs/architectures.md.

    python tests/splits/tiny_models.py > docs/architectures.md

writes the document.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import transformers

from rdcodec.splits.architectures import ARCHITECTURES, REFUSED

CHANNELS = 32
LAYERS = 3
VOCABULARY = 97
POSITIONS = 64
BEAMS = 3

TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": CHANNELS,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
}
GROUPED = {**TEXT, "num_key_value_heads": 2}
HEAD = {"head_dim": 8}
VOCABULARY_ALONE = {name: TEXT[name] for name in ("vocab_size", "pad_token_id", "bos_token_id", "eos_token_id")}
SIZES = {**VOCABULARY_ALONE, "hidden_size": CHANNELS, "num_hidden_layers": LAYERS}
GPT = {**VOCABULARY_ALONE, "n_embd": CHANNELS, "n_layer": LAYERS, "n_head": 4, "n_positions": POSITIONS}
MIXED = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]}
GEMMA = {**GROUPED, **HEAD, **MIXED, "query_pre_attn_scalar": 8}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
DEEPSEEK = {
    **TEXT,
    "num_key_value_heads": 4,
    "moe_intermediate_size": 16,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "n_group": 2,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 8,
    "v_head_dim": 8,
}
LINEAR = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_conv_kernel_dim": 3,
}
SMALL_MAMBA = {"mamba_d_state": 8, "mamba_d_conv": 3}
BART = {
    "vocab_size": VOCABULARY,
    "d_model": CHANNELS,
    "encoder_layers": LAYERS,
    "decoder_layers": LAYERS,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
    "forced_eos_token_id": None,
    "decoder_start_token_id": 2,
}
PRENORM = {**VOCABULARY_ALONE, "d_model": CHANNELS}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": CHANNELS,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": LAYERS,
    "num_heads": 4,
    "pad_token_id": 0,
    "eos_token_id": None,
    "decoder_start_token_id": 0,
}
GEMMA3N = {
    **GROUPED,
    **HEAD,
    **MIXED,
    "vocab_size_per_layer_input": VOCABULARY,
    "hidden_size_per_layer_input": 8,
    "laurel_rank": 4,
    "num_kv_shared_layers": 0,
    "activation_sparsity_pattern": [0.0] * LAYERS,
}
GPT_NEO = {
    **SIZES,
    "num_heads": 4,
    "max_position_embeddings": POSITIONS,
    "attention_types": [[["global", "local", "global"], 1]],
    "window_size": 6,
}
JAMBA = {
    **GROUPED,
    **SMALL_MAMBA,
    "mamba_dt_rank": 4,
    "num_experts": 2,
    "num_experts_per_tok": 1,
    "attn_layer_period": 3,
    "attn_layer_offset": 1,
    "expert_layer_period": 2,
    "expert_layer_offset": 1,
    "use_mamba_kernels": False,
}
QWEN3_NEXT = {
    **GROUPED,
    **HEAD,
    **EXPERTS,
    **LINEAR,
    "shared_expert_intermediate_size": 16,
    "layer_types": ["linear_attention", "full_attention", "linear_attention"],
}
WHISPER = {**BART, "num_mel_bins": 8, "max_source_positions": 12, "max_target_positions": POSITIONS}
IMAGE = {
    "hidden_size": CHANNELS,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "image_size": 16,
    "patch_size": 4,
}
TOWER = {**TEXT, "eos_token_id": 2}
QWEN_VISION = {"depth": 1, "embed_dim": 32, "hidden_size": CHANNELS, "num_heads": 2, "patch_size": 4}
MULTIMODAL_ROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}}


def made(model, config, **settings):
    """A maker of `model` with the configuration class `config`, both named as in transformers."""
    return lambda: getattr(transformers, model)(getattr(transformers, config)(**settings))


def causal(name, **settings):
    return made(f"{name}ForCausalLM", f"{name}Config", **settings)


def qwen2_vl():
    config = transformers.Qwen2VLConfig(text_config={**GROUPED, **MULTIMODAL_ROPE}, vision_config=QWEN_VISION)
    return transformers.Qwen2VLForConditionalGeneration(config)


def gemma3():
    vision = transformers.SiglipVisionConfig(**{**IMAGE, "image_size": 28, "patch_size": 14})
    config = transformers.Gemma3Config(text_config=GEMMA, vision_config=vision.to_dict(), mm_tokens_per_image=4)
    return transformers.Gemma3ForConditionalGeneration(config)


def llava():
    text = transformers.LlamaConfig(**GROUPED)
    vision = transformers.CLIPVisionConfig(**IMAGE)
    return transformers.LlavaForConditionalGeneration(
        transformers.LlavaConfig(text_config=text, vision_config=vision, image_token_index=VOCABULARY - 1)
    )


@dataclass(frozen=True)
class Case:
    """A model, and how it is tried.

    Attributes
    ----------
    make : callable
    remark : str
        For the document.
    layers : tuple of int
        Where it is cut, the first block besides.
    padding : tuple of str
        Sides on which the model itself takes padding without changing the other tokens.
    positions : bool
        With padding on the left its `position_ids` are given, since it does not work them out from the mask.
    tail : dict
        Arguments by which its tail gives the same bits as its forward pass.
    refused : bool
    """

    make: Callable
    remark: str = ""
    layers: tuple = (1,)
    padding: tuple = ("right", "left")
    positions: bool = False
    tail: dict = field(default_factory=dict)
    refused: bool = False


def text(name, **case):
    """A causal language model, configuration and class by its name, with grouped heads unless `config` is given."""
    config = case.pop("config", GROUPED)
    return Case(causal(name, **config), **case)


def masked(name, config=TEXT, **case):
    return Case(made(f"{name}ForMaskedLM", f"{name}Config", **config), **case)


def images(model, config, **settings):
    return Case(made(model, config, **settings), padding=())


def two_parts(name, config, **case):
    """An encoder and a decoder, each cut behind its first block."""
    return Case(made(f"{name}ForConditionalGeneration", f"{name}Config", **config), layers=(2, LAYERS, LAYERS + 2), **case)


ABSOLUTE = {"positions": True, "remark": "padding on the left needs `position_ids`"}
WITH_CACHE = {"use_cache": True}  # without one the model itself adds in another order
HYBRID = (1, 2)  # a layer of each kind
NO_PLACES = "padding on the left changes the model's own output"
TWO_PARTS = "layers of the encoder, then of the decoder; each part's tail needs the inputs of the other"

CASES = {
    "bart": two_parts("Bart", BART, remark=TWO_PARTS, padding=("right",)),
    "bert": masked("Bert", **ABSOLUTE),
    "bloom": text("Bloom", config={**VOCABULARY_ALONE, "hidden_size": CHANNELS, "n_layer": LAYERS, "n_head": 4}),
    "clip_text_model": Case(made("CLIPTextModel", "CLIPTextConfig", **{**TEXT, "eos_token_id": 2}), **ABSOLUTE),
    "clip_vision_model": images("CLIPVisionModel", "CLIPVisionConfig", **IMAGE),
    "cohere": text("Cohere"),
    "cohere2": text("Cohere2", config={**GROUPED, **HEAD, **MIXED}),
    "deberta-v2": masked(
        "DebertaV2", {**TEXT, "relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}, **ABSOLUTE
    ),
    "deepseek_v2": text("DeepseekV2", config=DEEPSEEK),
    "deepseek_v3": text("DeepseekV3", config=DEEPSEEK),
    "deit": images("DeiTForImageClassification", "DeiTConfig", **IMAGE, num_labels=5),
    "dinov2": images("Dinov2ForImageClassification", "Dinov2Config", **IMAGE, mlp_ratio=2, num_labels=5),
    "distilbert": masked(
        "DistilBert",
        {
            "vocab_size": VOCABULARY,
            "dim": CHANNELS,
            "hidden_dim": 48,
            "n_layers": LAYERS,
            "n_heads": 4,
            "max_position_embeddings": POSITIONS,
        },
        **ABSOLUTE,
    ),
    "electra": masked("Electra", {**TEXT, "embedding_size": 16}, **ABSOLUTE),
    "falcon": text("Falcon", config={**TEXT, "new_decoder_architecture": False, "alibi": False, "multi_query": True}),
    "falcon (ALiBi)": text("Falcon", config={**TEXT, "new_decoder_architecture": False, "alibi": True, "multi_query": False}),
    "falcon_h1": text(
        "FalconH1",
        config={**GROUPED, **SMALL_MAMBA, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_n_groups": 1},
    ),
    "gemma": text("Gemma", config={**GROUPED, **HEAD}),
    "gemma2": text("Gemma2", config=GEMMA),
    "gemma3": Case(gemma3, remark="text decoder"),
    "gemma3_text": Case(made("Gemma3ForCausalLM", "Gemma3TextConfig", **GEMMA)),
    "gemma3n_text": Case(
        made("Gemma3nForCausalLM", "Gemma3nTextConfig", **GEMMA3N),
        remark="4 streams a token; the tail needs `input_ids`; not cut where later blocks use keys and values of earlier ones",
    ),
    "glm4": text("Glm4", config={**GROUPED, **HEAD}),
    "gpt2": Case(made("GPT2LMHeadModel", "GPT2Config", **GPT), **ABSOLUTE),
    "gpt_bigcode": text("GPTBigCode", config=GPT, **ABSOLUTE),
    "gpt_neo": text("GPTNeo", config=GPT_NEO, tail=WITH_CACHE, **ABSOLUTE),
    "gpt_neox": text("GPTNeoX", config=TEXT),
    "gpt_oss": text("GptOss", config={**GROUPED, **HEAD, **MIXED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "gptj": text("GPTJ", config={**GPT, "rotary_dim": 4}),
    "granite": text("Granite", config={**GROUPED, "logits_scaling": 2.0, "residual_multiplier": 0.7, "embedding_multiplier": 3.0}),
    "jamba": text("Jamba", config=JAMBA, layers=HYBRID),
    "lfm2": text(
        "Lfm2",
        config={**GROUPED, "layer_types": ["conv", "full_attention", "conv"], "block_multiple_of": 8},
        layers=HYBRID,
    ),
    "llama": text("Llama"),
    "llava": Case(llava, remark="text decoder"),
    "mamba": text("Mamba", config={**SIZES, "state_size": 8}),
    "mamba2": text(
        "Mamba2",
        config={**SIZES, "state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 4},
    ),
    "mistral": text("Mistral", config={**GROUPED, "sliding_window": 6}),
    "mixtral": text("Mixtral", config={**GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2}),
    "modernbert": masked(
        "ModernBert",
        {**TEXT, "global_attn_every_n_layers": 2, "local_attention": 6, "cls_token_id": 1, "sep_token_id": 2, "mask_token_id": 3},
    ),
    "mpt": text("Mpt", config={**PRENORM, "n_layers": LAYERS, "n_heads": 4, "max_seq_len": POSITIONS, "use_cache": True}, tail=WITH_CACHE),
    "olmo2": text("Olmo2"),
    "opt": text("OPT", config={**TEXT, "ffn_dim": 48, "word_embed_proj_dim": 16}),
    "phi": text("Phi", config=TEXT),
    "phi3": text("Phi3"),
    "qwen2": text("Qwen2", config={**GROUPED, **MIXED, "use_sliding_window": True}),
    "qwen2_vl": Case(qwen2_vl, remark="text decoder"),
    "qwen3": text("Qwen3", config={**GROUPED, **HEAD}),
    "qwen3_moe": text("Qwen3Moe", config={**GROUPED, **HEAD, **EXPERTS}),
    "qwen3_next": text("Qwen3Next", config=QWEN3_NEXT, layers=HYBRID),
    "recurrent_gemma": text(
        "RecurrentGemma",
        config={**GROUPED, **HEAD, "lru_width": CHANNELS, "attention_window_size": 16},
        layers=HYBRID,
        padding=("right",),
        remark=NO_PLACES,
    ),
    "resnet": images(
        "ResNetForImageClassification",
        "ResNetConfig",
        embedding_size=CHANNELS,
        hidden_sizes=[CHANNELS] * 3,
        depths=[1, 2, 1],
        layer_type="basic",
        num_labels=5,
    ),
    "roberta": masked("Roberta"),
    "siglip_text_model": Case(made("SiglipTextModel", "SiglipTextConfig", **{**TEXT, "eos_token_id": 2}), **ABSOLUTE),
    "siglip_vision_model": images("SiglipVisionModel", "SiglipVisionConfig", **IMAGE),
    "smollm3": text("SmolLM3"),
    "stablelm": text("StableLm"),
    "starcoder2": text("Starcoder2"),
    "t5": two_parts("T5", T5, remark=f"{TWO_PARTS}; all blocks of the part run"),
    "vit": images("ViTForImageClassification", "ViTConfig", **IMAGE, num_labels=5),
    "whisper": two_parts("Whisper", WHISPER, remark=TWO_PARTS, padding=("right",)),
    "xglm": text(
        "XGLM",
        config={**PRENORM, "ffn_dim": 48, "num_layers": LAYERS, "attention_heads": 4, "max_position_embeddings": POSITIONS},
        **ABSOLUTE,
    ),
    "xlm-roberta": masked("XLMRoberta"),
    "albert": masked("Albert", {**TEXT, "embedding_size": 16}, refused=True),
    "clip": Case(made("CLIPModel", "CLIPConfig", text_config=TOWER, vision_config=IMAGE, projection_dim=8), refused=True),
    "rwkv": text("Rwkv", config={**SIZES, "attention_hidden_size": CHANNELS, "context_length": POSITIONS}, refused=True),
    "siglip": Case(made("SiglipModel", "SiglipConfig", text_config=TOWER, vision_config=IMAGE), refused=True),
}


@functools.cache
def build(name):
    """The model of a case with weights that hide no error: large ones, and none that is zero, as some begin."""
    torch.manual_seed(7)
    model = CASES[name].make().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1).add_(0.1 * torch.randn_like(parameter))
    return model


def _row(name, case):
    model = build(name)
    kind = type(model).__name__
    if case.refused:
        return f"| {name} | {kind} | | | | | refused: {REFUSED[name]} |"
    pads = " and ".join(case.padding) or "-"
    generate = "yes" if model.can_generate() else "-"
    tail = "yes, with `use_cache=True`" if case.tail else "yes"
    cells = {"forward": "yes", "tail": tail, "padding": pads, "generate": generate}
    return f"| {name} | {kind} | {' | '.join(cells.values())} | {case.remark} |"


def document():
    """The text of docs/architectures.md."""
    rows = "\n".join(_row(name, case) for name, case in CASES.items())
    return f"""# Architectures

<!-- written by tests/splits/tiny_models.py -->

{len(ARCHITECTURES)} architectures can be cut, looked up by `model.config.model_type`. `tests/splits/test_architectures.py` tries what
stands here with a tiny random model each and a codec that loses nothing, at the first block and at one or more in the middle
(transformers {transformers.__version__.split(".")[0]}):

- *forward*: the model with `compress_at` gives its own logits, bit for bit, and as many tokens are counted as went in;
- *tail*: `run_tail` of `head_states` gives the model's own logits, bit for bit;
- *padding*: the sides on which rows may be padded. The logits are the model's own, bit for bit, a padded row gives what it gives
  alone but for rounding, and it costs what it costs alone;
- *generate*: greedily, with {BEAMS} beams and by sampling, the tokens are those of the model without a codec, and the meter counts
  exactly the tokens sent.

Where a model predicts tokens, the loss that `calibrate` measures is that of `evaluate` too. BART and T5 are calibrated and measured with the same
text for the encoder and the decoder; Whisper is refused there, for sounds make no text to go with them.

A wrapper (PEFT's, DataParallel, accelerate's, a module of one's own that holds one model) changes nothing.

| architecture | class tried | forward | tail | padding | generate | remarks |
|---|---|---|---|---|---|---|
{rows}

In a model of an encoder and a decoder the layers are counted through: with {LAYERS} layers each, 0 to {LAYERS - 1} are the encoder's,
{LAYERS} to {2 * LAYERS - 1} the decoder's, {2 * LAYERS} its last hidden state. `head_states(model, layer, source, decoder_input_ids=target)` gives the states of either; the tail
from the encoder on needs `decoder_input_ids`, that from the decoder on the source (`input_ids`, `input_features` or
`encoder_outputs`).

The layer behind all blocks is the last hidden state ([embeddings](compressing.md#embeddings)); `tests/splits/test_last_states.py` tries all of the
above there, of every architecture.

Of a model with towers for text and images give the tower: `compress_at(model.vision_model, ...)` codes it also where the whole
model runs.

## Threads

| in threads that share a model | |
|---|---|
| calls of the model, `head_states`, `run_head`, `run_tail` | at any time, side by side; the parts change nothing for calls of others |
| `compress_at` | codes the passes of all threads, each with its own mask, prompt and rows; the meter counts them all |
| opening and closing it | at any time, any number, in any order; a pass that is under way goes on without |
| a cache, an encoder, a decoder | for one thread at a time; a codec is for all |
| changing the model (training, `train()`, compiling, wrapping) | not while others use it |

Another architecture is made known by `rdcodec.splits.register_split(model_type, path_to_its_blocks)`.
"""


if __name__ == "__main__":
    print(document(), end="")
