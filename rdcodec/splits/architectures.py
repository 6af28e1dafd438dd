"""The known architectures, by `config.model_type`: where the blocks are, and what differs besides; or why they are refused.

docs/architectures.md says what was tried with each.
"""

from rdcodec.splits.layouts import FeatureMaps, Streams
from rdcodec.splits.split import Split, decoder_inputs, embedded_inputs, image_inputs, pixel_inputs, sound_inputs, token_inputs

__all__ = ["ARCHITECTURES", "REFUSED"]


def _text_encoder(blocks, end=None):
    return Split(blocks, end, embedded_inputs)


def _image_encoder(blocks, end=None):
    return Split(blocks, end, image_inputs)


def _before_shared_values(config, count):
    """Blocks that use the keys and values of earlier ones are not cut off from these."""
    layers = list(zip(config.kv_sharing_modes, config.layer_types))
    shared = {kind for mode, kind in layers if mode == "reuse"}
    return next((i + 1 for i, (mode, kind) in enumerate(layers) if mode == "store" and kind in shared), count)


# One split, or those of the encoder and of the decoder, whose layers are counted through in this order.
ARCHITECTURES = {
    "bart": (_text_encoder("encoder.layers"), Split("decoder.layers", inputs=decoder_inputs)),
    "bert": _text_encoder("encoder.layer"),
    "bloom": Split("h", "ln_f"),
    "clip_text_model": Split("encoder.layers", "final_layer_norm", token_inputs),
    "clip_vision_model": _image_encoder("encoder.layers"),
    "cohere": Split("layers", "norm"),
    "cohere2": Split("layers", "norm"),
    "deberta-v2": _text_encoder("encoder.layer"),
    "deepseek_v2": Split("layers", "norm"),
    "deepseek_v3": Split("layers", "norm"),
    "deit": _image_encoder(("layers", "encoder.layer"), "layernorm"),
    "dinov2": _image_encoder("encoder.layer", "layernorm"),
    "distilbert": _text_encoder("transformer.layer"),
    "electra": _text_encoder("encoder.layer"),
    "falcon": Split("h", "ln_f"),
    "falcon_h1": Split("layers", "final_layernorm"),
    "gemma": Split("layers", "norm"),
    "gemma2": Split("layers", "norm"),
    "gemma3": Split("language_model.layers", "language_model.norm"),
    "gemma3_text": Split("layers", "norm"),
    "gemma3n_text": Split("layers", "norm", layout=Streams(), needs_tokens=True, cuts=_before_shared_values),
    "glm4": Split("layers", "norm"),
    "gpt2": Split("h", "ln_f"),
    "gpt_bigcode": Split("h", "ln_f"),
    "gpt_neo": Split("h", "ln_f"),
    "gpt_neox": Split("layers", "final_layer_norm"),
    "gpt_oss": Split("layers", "norm"),
    "gptj": Split("h", "ln_f"),
    "granite": Split("layers", "norm"),
    "jamba": Split("layers", "final_layernorm"),
    "lfm2": Split("layers", "embedding_norm"),
    "llama": Split("layers", "norm"),
    "llava": Split("language_model.layers", "language_model.norm"),
    "mamba": Split("layers", "norm_f"),
    "mamba2": Split("layers", "norm_f"),
    "mistral": Split("layers", "norm"),
    "mixtral": Split("layers", "norm"),
    "modernbert": _text_encoder("layers", "final_norm"),
    "mpt": Split("blocks", "norm_f"),
    "olmo2": Split("layers", "norm"),
    "opt": Split("decoder.layers", "decoder.final_layer_norm"),
    "phi": Split("layers", "final_layernorm"),
    "phi3": Split("layers", "norm"),
    "qwen2": Split("layers", "norm"),
    "qwen2_vl": Split("language_model.layers", "language_model.norm"),
    "qwen3": Split("layers", "norm"),
    "qwen3_moe": Split("layers", "norm"),
    "qwen3_next": Split("layers", "norm"),
    "recurrent_gemma": Split("layers", "final_norm"),
    "resnet": Split("encoder.stages.*.layers", inputs=pixel_inputs, layout=FeatureMaps()),
    "roberta": _text_encoder("encoder.layer"),
    "siglip_text_model": Split("encoder.layers", "final_layer_norm", token_inputs),
    "siglip_vision_model": _image_encoder("encoder.layers", "post_layernorm"),
    "smollm3": Split("layers", "norm"),
    "stablelm": Split("layers", "norm"),
    "starcoder2": Split("layers", "norm"),
    "t5": (
        Split("encoder.block", "encoder.final_layer_norm", embedded_inputs, chained=True),
        Split("decoder.block", "decoder.final_layer_norm", decoder_inputs, chained=True),
    ),
    "vit": _image_encoder(("layers", "encoder.layer"), "layernorm"),
    "whisper": (
        Split("encoder.layers", "encoder.layer_norm", sound_inputs),
        Split("decoder.layers", "decoder.layer_norm", decoder_inputs),
    ),
    "xglm": Split("layers", "layer_norm"),
    "xlm-roberta": _text_encoder("encoder.layer"),
}

_TOWERS = "it has a tower for text and one for images; give one of them, model.text_model or model.vision_model"
REFUSED = {
    "albert": "its layers are one block that runs several times, so that none can be told from the others",
    "clip": _TOWERS,
    "rwkv": "it carries its state in lists of tensors instead of a cache, so that prompts in progress cannot be told apart",
    "siglip": _TOWERS,
}
