"""A small sparse autoencoder of hidden states, and what people measure of one: variance explained, and the model's loss with its reconstructions.

The k largest features of a token are kept (Gao et al., arXiv 2406.04093). `benchmarks/bench_autoencoder.py` and notebook 05 use it.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from rdcodec.splits import head_states, run_tail

__all__ = ["SparseAutoencoder", "loss_recovered", "losses", "train", "variance_explained"]

MEASURED_AT_ONCE = 4096  # tokens


class SparseAutoencoder(nn.Module):
    """Features of states, of which each token has a few, and states of features.

    Parameters
    ----------
    states : torch.Tensor
        float32 [tokens, channels] that say where the mean is and how long states are.
    features, kept : int
        In all, and of a token.
    seed : int
        Of the directions that features begin with.
    """

    def __init__(self, states, features, kept, seed=0):
        super().__init__()
        self.kept = kept
        generator = torch.Generator().manual_seed(seed)
        directions = normalize(torch.randn(features, states.shape[1], generator=generator), dim=1)
        self.directions = nn.Parameter(directions)  # of features, each of length 1
        self.detectors = nn.Parameter(directions.clone())
        self.thresholds = nn.Parameter(torch.zeros(features))
        self.mean = nn.Parameter(states.mean(0))
        self.scale = float((states - self.mean.detach()).norm(dim=1).mean())

    def forward(self, states):
        """float32 [tokens, channels], reconstructed."""
        found = (states - self.mean) @ self.detectors.T / self.scale + self.thresholds
        sizes, features = found.topk(self.kept, dim=1)
        sums = nn.functional.embedding_bag(features, self.directions, per_sample_weights=sizes.relu(), mode="sum")
        return sums * self.scale + self.mean

    def error(self, states):
        """Mean squared error in units of the states' length: what training makes small."""
        return ((self(states) - states) / self.scale).square().sum(1).mean()


def train(autoencoder, batches, rate=1e-3, steps=None):
    """Adam on batches, float32 [tokens, channels]; the rate falls to 0 over `steps`, if they are given, and features keep their length."""
    optimiser = torch.optim.Adam(autoencoder.parameters(), rate, betas=(0.9, 0.99))
    for step, batch in enumerate(batches):
        if steps is not None:
            optimiser.param_groups[0]["lr"] = rate * min(1, 4 * (1 - step / steps))  # the last quarter of the steps
        optimiser.zero_grad()
        autoencoder.error(batch).backward()
        optimiser.step()
        with torch.no_grad():
            autoencoder.directions.copy_(normalize(autoencoder.directions, dim=1))
    return autoencoder


@torch.no_grad()
def variance_explained(reconstruct, states):
    """1 minus the squared error over the variance of float32 [tokens, channels]."""
    error = sum(float((reconstruct(rows) - rows).square().sum()) for rows in states.split(MEASURED_AT_ONCE))
    return 1 - error / float((states - states.mean(0)).square().sum())


@torch.no_grad()
def losses(model, layer, windows, *reconstructions):
    """Nats a token of a model whose states at a layer pass through each reconstruction, over windows of token ids [windows, tokens]."""
    found = torch.zeros(len(reconstructions))
    for ids in windows:
        h = head_states(model, layer, ids[None])
        for number, reconstruct in enumerate(reconstructions):
            logits = run_tail(model, layer, reconstruct(h[0])[None])
            found[number] += cross_entropy(logits[0, :-1], ids[1:])
    return (found / len(windows)).tolist()


def loss_recovered(loss, clean, without):
    """How much of what is lost without the states a reconstruction of them wins back, 1 being all."""
    return (without - loss) / (without - clean)
