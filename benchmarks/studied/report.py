"""The study's README, of its rows: what they support is what an interval says, and no more."""

from itertools import groupby
from statistics import mean, median_low

import numpy as np

from rdcodec.theory import correlation, mixed_slope, within_between
from rdcodec.theory.analysis import LEAST_MODELS
from rdcodec.theory.study import BOUNDS

FEW_MODELS = 5  # of which a bootstrap says little

HEAD = """# Do rates follow the bounds?

Written by `benchmarks/study.py` from the rows of [rows.json](rows.json). The paper behind this project (arXiv 2601.22002) bounds the gap between a codec's rate and the entropy by terms
that grow with how large and how varied the representation is. Here every bound is a number; what they are, and when not to trust them: [estimators](../estimators.md).

"""
SETTING = """Models: {models}. {rows} rows: codecs at layers, each at {qualities} qualities or fewer, on {seeds} draws of {windows} windows or images, at random and without replacement, from those that nothing was
fitted to. Errors are those of what all of these would give.

![Rates against bounds](study.png)

"""
BETWEEN = """## Rates and their predictors

The rate an element against each predictor. *Within*: of differences from the models' means; *between*: of the means, as many points as models; intervals for 95% by bootstrap over models. *Slope*: of a
mixed-effects model with an intercept for each model, in deviations, ± one standard error, which takes rows of one model for independent and is too narrow for that.

"""
ROWS = """## Rows at default quality

Means over draws, in bits a token; ± is the largest standard error of a draw. *Gap*: rate over the least bound on the entropy, at least.

"""


def markdown(rows):
    models = list(dict.fromkeys(row.model for row in rows))
    setting = SETTING.format(
        models=", ".join(models),
        rows=len(rows),
        qualities=max(len({row.quality for row in group}) for group in codecs(rows)),
        seeds=len({row.seed for row in rows}),
        windows=" or ".join(f"{count:,}" for count in sorted({row.windows for row in rows})),
    )
    parts = [
        HEAD,
        setting,
        BETWEEN,
        *predictors(rows, models),
        "\n",
        "## Rate and depth\n\n",
        *depth(rows, models),
        "\n",
        ROWS,
        *table(rows),
    ]
    return "".join(parts)


def codecs(rows):
    """Rows of a model, a layer and a family together."""
    key = lambda row: (row.model, row.codec, row.layer)  # noqa: E731
    return [list(group) for _, group in groupby(sorted(rows, key=key), key)]


def at_default(group):
    """Rows of the middle quality, around which the others lie."""
    middle = median_low({row.quality for row in group})
    return [row for row in group if row.quality == middle]


def line(*cells):
    return "| " + " | ".join(map(str, cells)) + " |\n"


def ranged(found):
    return f"{found.value:.2f} [{found.interval[0]:.2f}, {found.interval[1]:.2f}]"


def verdict(found):
    """Of a correlation, what its interval says."""
    low, high = found.interval
    return "rises" if low > 0 else "falls" if high < 0 else "not known"


# ---- predictors


def predictors(rows, models):
    if len(models) < LEAST_MODELS:
        yield f"Of {len(models)} models nothing can be said: they are the independent units, and it takes {LEAST_MODELS}.\n"
        return
    yield line("predictor", "within models", "says", "between models", "says", "slope")
    yield line(*["---"] * 6)
    y = [row.rate / row.channels for row in rows]
    for name, value in BOUNDS.items():
        yield line(name, *of_predictor([row.model for row in rows], [value(row) for row in rows], y))
    if len(models) < FEW_MODELS:
        yield f"\nOf {len(models)} models intervals by bootstrap over models say little: they are printed, not to be relied on.\n"


def of_predictor(models, x, y):
    within, between = within_between(models, x, y)
    slope = mixed_slope(models, x, y)
    return ranged(within), verdict(within), ranged(between), verdict(between), f"{slope.value:+.2f} ± {slope.error:.2f}"


# ---- depth


def depth(rows, models):
    yield "The paper finds that rates rise with the depth of the split in transformers, although entropies cannot, and fall in a ResNet. Calibrated transforms at default quality, means over draws; rank correlation with the layer, intervals by bootstrap over layers.\n\n"
    yield line("model", "layers", "rate", "says", "Gaussian estimate of the entropy", "log-determinant of states")
    yield line(*["---"] * 6)
    for model in models:
        layers = [at_default(group) for group in codecs(rows) if (group[0].model, group[0].codec) == (model, "transform")]
        if len(layers) < 3:
            yield line(model, len(layers), "too few layers", "", "", "")
            continue
        of_rate, *others = (rank(layers, name) for name in ("rate", "gaussian_entropy", "state_log_det"))
        yield line(model, len(layers), ranged(of_rate), verdict(of_rate), *map(ranged, others))


def rank(layers, name):
    return correlation([group[0].layer for group in layers], [mean(getattr(row, name) for row in group) for group in layers])[1]


# ---- rows


def table(rows):
    yield line(
        "model",
        "layer",
        "codec",
        "rate",
        "certified",
        "Gaussian estimate",
        "H ≤, symbols",
        "H ≤, tokens",
        "gap",
        "log det",
        "of states",
        "head norm",
        "entropy norm",
    )
    yield line(*["---"] * 13)
    for group in codecs(rows):
        chosen = at_default(group)
        first = chosen[0]
        rate = f"{mean(row.rate for row in chosen):.1f} ± {max(row.rate_error for row in chosen):.1f}"
        numbers = [over(chosen, name) for name in ("certificate", "gaussian_entropy", "symbol_entropy", "token_entropy", "gap_low")]
        norms = [over(chosen, name, ".0f") for name in ("log_det", "state_log_det")] + [
            over(chosen, name, ".3g") for name in ("head_norm", "entropy_norm")
        ]
        yield line(first.model, first.layer, first.codec, rate, *numbers, *norms)


def over(rows, name, form=".1f"):
    values = [getattr(row, name) for row in rows]
    return "" if None in values else format(float(np.mean(values)), form)
