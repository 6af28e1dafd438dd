"""The known architectures, by `config.model_type`: where the blocks are, and what differs besides; or why they are refused.

docs/architectures.md says what was tried with each.
"""

from rdcodec.splits.layouts import FeatureMaps, Streams
from rdcodec.splits.split import Split, decoder_inputs, embedded_inputs, image_inputs, pixel_inputs, sound_inputs, token_inputs

__all__ = ["ARCHITECTURES", "REFUSED"]


def _text_encoder(blocks):
    return Split(blocks, embedded_inputs)


def _image_encoder(blocks):
    return Split(blocks, image_inputs)


def _before_shared_values(config, count):
    """Blocks that use the keys and values of earlier ones are not cut off from these."""
    layers = list(zip(config.kv_sharing_modes, config.layer_types))
    shared = {kind for mode, kind in layers if mode == "reuse"}
    return next((i + 1 for i, (mode, kind) in enumerate(layers) if mode == "store" and kind in shared), count)


# One split, or those of the encoder and of the decoder, whose layers are counted through in this order.
ARCHITECTURES = {
    "bart": (_text_encoder("encoder.layers"), Split("decoder.layers", decoder_inputs)),
    "bert": _text_encoder("encoder.layer"),
    "bloom": Split("h"),
    "clip_text_model": Split("encoder.layers", token_inputs),
    "clip_vision_model": _image_encoder("encoder.layers"),
    "cohere": Split("layers"),
    "cohere2": Split("layers"),
    "deberta-v2": _text_encoder("encoder.layer"),
    "deepseek_v2": Split("layers"),
    "deepseek_v3": Split("layers"),
    "deit": _image_encoder(("layers", "encoder.layer")),
    "dinov2": _image_encoder("encoder.layer"),
    "distilbert": _text_encoder("transformer.layer"),
    "electra": _text_encoder("encoder.layer"),
    "falcon": Split("h"),
    "falcon_h1": Split("layers"),
    "gemma": Split("layers"),
    "gemma2": Split("layers"),
    "gemma3": Split("language_model.layers"),
    "gemma3_text": Split("layers"),
    "gemma3n_text": Split("layers", layout=Streams(), needs_tokens=True, cuts=_before_shared_values),
    "glm4": Split("layers"),
    "gpt2": Split("h"),
    "gpt_bigcode": Split("h"),
    "gpt_neo": Split("h"),
    "gpt_neox": Split("layers"),
    "gpt_oss": Split("layers"),
    "gptj": Split("h"),
    "granite": Split("layers"),
    "jamba": Split("layers"),
    "lfm2": Split("layers"),
    "llama": Split("layers"),
    "llava": Split("language_model.layers"),
    "mamba": Split("layers"),
    "mamba2": Split("layers"),
    "mistral": Split("layers"),
    "mixtral": Split("layers"),
    "modernbert": _text_encoder("layers"),
    "mpt": Split("blocks"),
    "olmo2": Split("layers"),
    "opt": Split("decoder.layers"),
    "phi": Split("layers"),
    "phi3": Split("layers"),
    "qwen2": Split("layers"),
    "qwen2_vl": Split("language_model.layers"),
    "qwen3": Split("layers"),
    "qwen3_moe": Split("layers"),
    "qwen3_next": Split("layers"),
    "recurrent_gemma": Split("layers"),
    "resnet": Split("encoder.stages.*.layers", pixel_inputs, FeatureMaps()),
    "roberta": _text_encoder("encoder.layer"),
    "siglip_text_model": Split("encoder.layers", token_inputs),
    "siglip_vision_model": _image_encoder("encoder.layers"),
    "smollm3": Split("layers"),
    "stablelm": Split("layers"),
    "starcoder2": Split("layers"),
    "t5": (Split("encoder.block", embedded_inputs, chained=True), Split("decoder.block", decoder_inputs, chained=True)),
    "vit": _image_encoder(("layers", "encoder.layer")),
    "whisper": (Split("encoder.layers", sound_inputs), Split("decoder.layers", decoder_inputs)),
    "xglm": Split("layers"),
    "xlm-roberta": _text_encoder("encoder.layer"),
}

_TOWERS = "it has a tower for text and one for images; give one of them, model.text_model or model.vision_model"
REFUSED = {
    "albert": "its layers are one block that runs several times, so that none can be told from the others",
    "clip": _TOWERS,
    "rwkv": "it carries its state in lists of tensors instead of a cache, so that prompts in progress cannot be told apart",
    "siglip": _TOWERS,
}
