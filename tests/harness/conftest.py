"""A tiny model in a folder, tasks in local files, and codecs."""

import json
from pydoc_data.topics import topics

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

CHANNELS, LAYER, WINDOW = 48, 1, 128
LAST_WORD = """
task: last_word
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/last_word.jsonl}}}}
output_type: loglikelihood
test_split: test
doc_to_text: "{{{{text.split(' ')[:-1]|join(' ')}}}}"
doc_to_target: "{{{{' '+text.split(' ')[-1]}}}}"
metric_list:
  - {{metric: perplexity, aggregation: perplexity, higher_is_better: false}}
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""
CHOICES = """
task: choices
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/choices.jsonl}}}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{context}}}}"
doc_to_target: label
doc_to_choice: endings
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""
PERPLEXITY = """
task: documents
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/documents.jsonl}}}}
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list:
  - {{metric: byte_perplexity}}
"""
GENERATED = """
task: generated
dataset_path: json
dataset_kwargs: {{data_files: {{test: {folder}/last_word.jsonl}}}}
output_type: generate_until
test_split: test
doc_to_text: "{{{{text.split(' ')[:-1]|join(' ')}}}}"
doc_to_target: "{{{{text.split(' ')[-1]}}}}"
generation_kwargs: {{until: [" "], max_gen_toks: 6}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""


@pytest.fixture(scope="session", autouse=True)
def tiny_models(one_thread):
    """Run in one thread."""


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(5)
    sizes = {"hidden_size": CHANNELS, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = transformers.LlamaConfig(**sizes, vocab_size=257, max_position_embeddings=WINDOW, bos_token_id=None, eos_token_id=256)
    model = transformers.LlamaForCausalLM(config).to(torch.bfloat16)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def texts():
    paragraphs = dict.fromkeys(" ".join(part.split()) for part in "\n\n".join(topics.values()).split("\n\n"))
    return [text for text in paragraphs if 40 <= len(text) <= 110][:24]


@pytest.fixture(scope="session")
def tasks(texts, tmp_path_factory):
    """Folder of tasks: the last word of a text, one of some endings, the likelihood of documents, a word that is generated."""
    folder = tmp_path_factory.mktemp("tasks")
    halves = [(text[:30], text[30:]) for text in texts]
    documents = {
        "last_word": [{"text": text} for text in texts],
        "choices": [{"context": begin, "endings": [end, halves[i - 1][1], "x"], "label": 0} for i, (begin, end) in enumerate(halves)],
        "documents": [{"text": " ".join(texts[i : i + 4])} for i in range(0, 12, 4)],
    }
    for name, rows in documents.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name, task in (("last_word", LAST_WORD), ("choices", CHOICES), ("documents", PERPLEXITY), ("generated", GENERATED)):
        (folder / f"{name}.yaml").write_text(task.format(folder=folder))
    return folder
