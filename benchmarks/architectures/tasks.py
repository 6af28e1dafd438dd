"""What is measured: a trained model, a split point, and data to fit to and to measure on."""

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rdcodec import calibrate, calibrate_inputs
from rdcodec.training import StateCache

TOKENS = 12_000  # of text to calibrate with
IMAGES = 1000
CHARACTERS = 600_000  # of texts whose states learned codecs are trained with


def named(progress, name, stage, fraction, figures=""):
    """Progress of a stage that says what it belongs to."""
    progress(f"{name}, {stage}", fraction, figures)


@dataclass(frozen=True)
class Task:
    """Attributes in common; a subclass knows how codecs are fitted.

    Attributes
    ----------
    architecture : str
    model : PreTrainedModel
        In evaluation mode.
    layer : int
        Split point.
    measured : torch.Tensor
        Inputs that nothing was fitted to: int64 [windows, tokens], or float32 [images, channels, height, width].
    labels : torch.Tensor or None
        int64 [images]
    """

    architecture: str
    model: PreTrainedModel
    layer: int
    measured: torch.Tensor
    labels: torch.Tensor | None


@dataclass(frozen=True)
class TextTask(Task):
    """Predict the next token; `texts` are those to fit to. How many bits an input has, the model's own likelihood says."""

    tokenizer: PreTrainedTokenizerBase
    texts: list[str]

    def calibrated(self, progress):
        return calibrate(self.model, self.tokenizer, self.texts, self.layer, TOKENS, progress=progress)

    def states(self, folder, progress):
        texts = [text[: CHARACTERS // len(self.texts)] for text in self.texts]  # a part of each
        return StateCache.open(folder, self.model, self.tokenizer, texts, self.layer, progress=progress)

    def before_and_after(self, row):
        after = f"{row.perplexity:.2f}, NLL {row.delta_nll:+.4f} ± {row.delta_nll_stderr:.4f}"
        return f"perplexity {row.base_perplexity:.2f}", after


@dataclass(frozen=True)
class ImageTask(Task):
    """Tell what an image shows, or words that are hidden; `images` are those to fit to, and an input has `input_bits` at most."""

    images: torch.Tensor
    input_bits: float

    def calibrated(self, progress):
        return calibrate_inputs(self.model, self.images[:IMAGES], self.layer, progress=progress)

    def states(self, folder, progress):
        return StateCache.open_inputs(folder, self.model, self.images, self.layer, progress=progress)

    def before_and_after(self, row):
        return f"accuracy {row.base_accuracy:.1%}", f"{row.accuracy:.1%}"
