"""The mask of padding is that of the tokens at the split."""

import pytest
import torch
import transformers

from rdcodec.codecs import IntegerCodec
from rdcodec.splits import compress_at

BART = {"d_model": 64, "encoder_layers": 4, "decoder_layers": 4, "encoder_attention_heads": 4, "decoder_attention_heads": 4}


def opt(tiny):
    config = {**tiny.text, "ffn_dim": 96, "word_embed_proj_dim": 64}
    del config["intermediate_size"]
    return transformers.OPTForCausalLM(transformers.OPTConfig(**config))


def bart(tiny):
    config = transformers.BartConfig(
        vocab_size=97, **BART, encoder_ffn_dim=96, decoder_ffn_dim=96, max_position_embeddings=64, pad_token_id=0
    )
    return transformers.BartForConditionalGeneration(config)


def t5(tiny):
    config = transformers.T5Config(vocab_size=97, d_model=64, d_kv=16, d_ff=96, num_layers=4, num_heads=4, decoder_start_token_id=0)
    return transformers.T5ForConditionalGeneration(config)


def whisper(tiny):
    config = {
        **BART,
        "encoder_ffn_dim": 96,
        "decoder_ffn_dim": 96,
        "num_mel_bins": 8,
        "max_source_positions": 20,
        "max_target_positions": 32,
    }
    tokens = {"vocab_size": 97, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
    return transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**config, **tokens))


def mask_of(ids, *padded):
    mask = torch.ones_like(ids)
    for row, part in padded:
        mask[row, part] = 0
    return mask


def coded_rows(model, layer, codec, **inputs):
    """Tokens that were coded of each row, and whether a lossless codec changed anything."""
    with torch.no_grad():
        plain = model(**inputs).logits
        with compress_at(model, codec, layer=layer) as meter:
            assert torch.equal(model(**inputs).logits, plain)
    assert meter.tokens == sum(frame[1] for frame in codec.log)
    return [frame[:2] for frame in codec.log]


@pytest.mark.parametrize("layer", [0, 2])
def test_opt_runs_its_decoder_itself(tiny, trail, layer):
    model = tiny.cut(lambda: opt(tiny), "decoder.layers")
    ids = tiny.inputs(model)
    mask = mask_of(ids, (0, slice(4)), (1, slice(-3, None)))
    assert coded_rows(model, layer, trail, input_ids=ids, attention_mask=mask) == [(0, 7), (0, 8)]
    out = model.generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False)
    with compress_at(model, trail, layer=layer) as meter:
        assert torch.equal(model.generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False), out)
    assert meter.tokens == mask.sum() + 2 * 3


@pytest.mark.parametrize("layer", [0, 2])
@pytest.mark.parametrize(("make", "blocks"), [(bart, "layers"), (t5, "block")])
def test_source_and_target_have_masks_of_their_own(tiny, trail, make, blocks, layer):
    model = tiny.cut(lambda: make(tiny), f"encoder.{blocks}")
    source, target = tiny.inputs(model, tokens=9), tiny.inputs(model, tokens=9)
    inputs = {"input_ids": source, "attention_mask": mask_of(source, (0, slice(-4, None))), "decoder_input_ids": target}
    assert coded_rows(model, layer, trail, **inputs) == [(0, 5), (0, 9)]
    decoder = tiny.cut(lambda: make(tiny), f"decoder.{blocks}")
    trail.log.clear()
    assert coded_rows(decoder, layer, trail, **inputs) == [(0, 9), (0, 9)]
    trail.log.clear()
    inputs["decoder_attention_mask"] = mask_of(target, (1, slice(-2, None)))
    assert coded_rows(decoder, layer, trail, **inputs) == [(0, 9), (0, 7)]
    trail.log.clear()
    assert coded_rows(model, layer, trail, **inputs) == [(0, 5), (0, 9)]


def test_targets_of_another_length_than_the_source(tiny, trail):
    model = tiny.cut(lambda: bart(tiny), "decoder.layers")
    source, target = tiny.inputs(model, tokens=5), tiny.inputs(model, tokens=9)
    assert coded_rows(model, 1, trail, input_ids=source, attention_mask=torch.ones_like(source), decoder_input_ids=target) == [(0, 9)] * 2


@pytest.mark.parametrize(("blocks", "rows"), [("encoder.layers", [(0, 20)] * 2), ("decoder.layers", [(0, 6), (0, 4)])])
def test_speech_has_frames_and_text_a_mask(tiny, trail, blocks, rows):
    model = tiny.cut(lambda: whisper(tiny), blocks)
    features, ids = torch.randn(2, 8, 40, generator=torch.Generator().manual_seed(1)), tiny.inputs(model, tokens=6)
    masks = {"attention_mask": torch.ones(2, 40, dtype=torch.long), "decoder_attention_mask": mask_of(ids, (1, slice(-2, None)))}
    assert coded_rows(model, 2, trail, input_features=features, decoder_input_ids=ids, **masks) == rows


def test_towers_of_images_beside_text_with_padding(tiny, trail):
    text = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 97}
    vision = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": 16,
        "patch_size": 4,
    }

    def clip():
        return transformers.CLIPModel(transformers.CLIPConfig(text_config={**text, "eos_token_id": 96}, vision_config=vision))

    pixels = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for tower, rows in (("vision_model", [(0, 17)] * 2), ("text_model", [(0, 11), (0, 8)])):
        model = tiny.cut(clip, f"{tower}.encoder.layers")
        ids = tiny.inputs(model, tokens=11)
        codec = type(trail)()
        with torch.no_grad(), compress_at(model, codec, layer=2):
            model(input_ids=ids, pixel_values=pixels, attention_mask=mask_of(ids, (1, slice(-3, None))))
        assert [frame[:2] for frame in codec.log] == rows


def test_a_batch_with_padding_is_its_rows(tiny):
    """Padded or alone: the same bytes, and the same logits up to rounding."""
    model = tiny.cut(lambda: opt(tiny), "decoder.layers")
    ids = tiny.inputs(model, rows=2)
    mask = mask_of(ids, (0, slice(-4, None)))
    codec = IntegerCodec(tiny.channels, bits=8)
    with torch.no_grad(), compress_at(model, codec, layer=2) as batch:
        logits = model(ids, attention_mask=mask).logits
    with torch.no_grad(), compress_at(model, codec, layer=2) as rows:
        alone = [model(row[None, : keep.sum()]).logits[0] for row, keep in zip(ids, mask)]
    assert (batch.tokens, batch.bytes) == (rows.tokens, rows.bytes)
    for whole, row in zip(logits, alone):
        torch.testing.assert_close(whole[: len(row)], row, rtol=5e-2, atol=5e-2)
