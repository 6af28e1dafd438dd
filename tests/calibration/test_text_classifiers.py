"""Classifiers of texts, whose logits depend on where the padding is."""

import numpy as np
import pytest
import torch
import transformers

from rdcodec import RdcodecError, calibrate, calibrate_inputs, compress_at
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import head_states, run_tail
from rdcodec.training import StateCache, TailDistortion

pytestmark = pytest.mark.slow

LAYER, CHANNELS, CLASSES, WINDOW, PAD = 1, 40, 3, 64, 0
SIZE = {"vocab_size": 256, "hidden_size": CHANNELS, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
ENDS = {"pad_token_id": PAD, "bos_token_id": None, "eos_token_id": None, "num_labels": CLASSES}
GROUPED = {**SIZE, **ENDS, "num_key_value_heads": 2, "max_position_embeddings": WINDOW}


def llama(**change):
    return transformers.LlamaForSequenceClassification(transformers.LlamaConfig(**{**GROUPED, **change}))


def qwen3():
    return transformers.Qwen3ForSequenceClassification(transformers.Qwen3Config(**GROUPED, head_dim=10))


def gpt2():
    config = transformers.GPT2Config(vocab_size=256, n_embd=CHANNELS, n_layer=3, n_head=4, n_positions=WINDOW, **ENDS)
    return transformers.GPT2ForSequenceClassification(config)


def bert():
    return transformers.BertForSequenceClassification(transformers.BertConfig(**SIZE, **ENDS, max_position_embeddings=WINDOW))


def roberta():
    config = transformers.RobertaConfig(**SIZE, **ENDS, max_position_embeddings=600)
    return transformers.RobertaForSequenceClassification(config)


def made(architecture):
    torch.manual_seed(5)
    model = architecture().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    return model


@pytest.fixture(scope="module", params=[llama, qwen3, gpt2, bert, roberta], ids=lambda architecture: architecture.__name__)
def classifier(request):
    return made(request.param)


@pytest.fixture(scope="module")
def texts():
    """int64 [6, 20] ids, padded on the right, and their mask."""
    ids = torch.randint(1, 256, (6, 20), generator=torch.Generator().manual_seed(2))
    mask = torch.arange(20) < torch.tensor([20, 7, 12, 20, 3, 16])[:, None]
    return ids.masked_fill(~mask, PAD), mask.long()


def test_a_tail_that_knows_its_tokens_pools_as_the_model(classifier, texts):
    ids, mask = texts
    with torch.no_grad():
        for given in (mask, None):
            tail = run_tail(classifier, LAYER, head_states(classifier, LAYER, ids, given), given, input_ids=ids)
            assert torch.equal(tail, classifier(ids, attention_mask=given).logits)


def test_rows_of_padded_texts(classifier, texts):
    """As compress_at gives, with the mask, and without one as the model gives without."""
    ids, mask = texts
    codec, labels = IntegerCodec(CHANNELS, 3), torch.arange(6) % CLASSES
    for given in (mask, None):
        kl, nll, size, tokens = [], [], 0, 0
        for i in range(len(ids)):
            own = {} if given is None else {"attention_mask": given[i : i + 1]}
            with torch.no_grad():
                p = classifier(ids[i : i + 1], **own).logits[0].double().log_softmax(0)
                with compress_at(classifier, codec, layer=LAYER) as meter:
                    q = classifier(ids[i : i + 1], **own).logits[0].double().log_softmax(0)
            kl.append(float((p.exp() * (p - q)).sum())), nll.append(float(p[labels[i]] - q[labels[i]]))
            size, tokens = size + meter.bytes, tokens + meter.tokens
        (row,) = evaluate(classifier, ids, [Setting("int3", codec, layer=LAYER)], labels=labels, attention_mask=given)
        assert row.kl == pytest.approx(np.mean(kl), rel=1e-3) and row.delta_nll == pytest.approx(np.mean(nll), rel=1e-3, abs=1e-6)
        assert row.tokens == tokens and row.bits_per_token == 8 * size / tokens


def test_calibrated_from_texts(classifier, tokenizer, text):
    codec = calibrate(classifier, tokenizer, [text[:20_000]], LAYER, tokens=1500)
    ids = torch.tensor(tokenizer(text[50_000 : 50_000 + 20 * WINDOW])["input_ids"]).view(-1, WINDOW)
    (row,) = evaluate(classifier, ids, [Setting("transform", codec, layer=LAYER)], labels=torch.zeros(len(ids), dtype=torch.int64))
    assert codec.layer == LAYER and 0.001 < row.kl < 0.2
    decoded = torch.from_numpy(codec.decode(codec.encode(head_states(classifier, LAYER, ids))))
    with torch.no_grad():
        entered = [head_inputs(classifier, LAYER, h, ids) for h in (head_states(classifier, LAYER, ids), decoded)]
    assert kl_divergence(classifier, *entered) == pytest.approx(row.kl, rel=1e-3)


def test_calibrated_from_padded_ids_without_a_vocabulary(classifier):
    ids = torch.randint(1, 256, (60, 20), generator=torch.Generator().manual_seed(3))
    ids[::2, 12:] = PAD
    codec = calibrate_inputs(classifier, ids, LAYER)
    assert codec.channels == CHANNELS


def test_without_a_padding_token(tokenizer, text):
    """Such a classifier takes one text at a time."""
    model = made(lambda: llama(pad_token_id=None))
    codec = calibrate(model, tokenizer, [text[:20_000]], LAYER, tokens=600)
    assert codec.channels == CHANNELS


def test_training_knows_the_tokens(classifier, texts, tmp_path):
    ids, _ = texts
    cache = StateCache.open_inputs(tmp_path, classifier, ids, LAYER)
    batch = cache.read(np.arange(6))
    h = (batch.states + 0.1 * torch.randn(batch.states.shape, generator=torch.Generator().manual_seed(1))).requires_grad_()
    p, q = (torch.log_softmax(run_tail(classifier, LAYER, states, input_ids=ids), -1) for states in (batch.states, h))
    torch.testing.assert_close(TailDistortion(classifier, LAYER)(h, batch), (p.exp() * (p - q)).sum(-1), rtol=1e-3, atol=1e-6)
    with pytest.raises(RdcodecError, match="kind: expected 'kl' for .*, a classifier"):
        TailDistortion(classifier, LAYER, "cross-entropy")


def test_masks_that_do_not_fit_are_refused(classifier, texts):
    ids, mask = texts
    settings, labels = [Setting("raw", RawCodec(CHANNELS), layer=LAYER)], torch.zeros(6, dtype=torch.int64)
    with pytest.raises(RdcodecError, match=r"attention_mask: expected \[6, 20\]"):
        evaluate(classifier, ids, settings, labels=labels, attention_mask=mask[:, 1:])
    with pytest.raises(RdcodecError, match="attention_mask: .* one is all padding"):
        evaluate(classifier, ids, settings, labels=labels, attention_mask=mask * (torch.arange(6) > 0)[:, None])
