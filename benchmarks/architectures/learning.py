"""A model trained from scratch for some minutes, or taken from where an earlier run left it."""

import math
from time import perf_counter

import torch

SEED = 1
LEARNING_RATE = 2e-3
WARM_UP = 0.05  # of the time
WEIGHT_DECAY = 0.05
CLIP = 1.0


def trained(make, folder, batch, minutes, report, seed=SEED):
    """The model of a folder, trained and put there if there is none.

    Parameters
    ----------
    make : callable
        () -> model with its random weights.
    folder : pathlib.Path
    batch : callable
        (generator) -> arguments of a forward pass with labels.
    minutes : float
    report : callable
        (stage, fraction, figures)
    seed : int
        Of weights and batches.
    """
    if (folder / "config.json").is_file():
        return type(make()).from_pretrained(folder).eval()
    torch.manual_seed(seed)
    model = make()
    _train(model, batch, 60 * minutes, report, seed)
    model.save_pretrained(folder)
    return type(model).from_pretrained(folder).eval()  # under the name that it will have the next time


def _train(model, batch, seconds, report, seed):
    """AdamW under a learning rate that rises, then falls to 0 in a half cosine of the time that is left."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=WEIGHT_DECAY)
    began, done = perf_counter(), 0.0
    model.train()
    while done < 1:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(done / WARM_UP, 0.5 + 0.5 * math.cos(math.pi * done))
        loss = model(**batch(generator)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        done = min(1.0, (perf_counter() - began) / seconds)
        report("training", done, f"{float(loss.detach()):.3f} nats")
    model.eval()
