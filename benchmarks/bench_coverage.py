"""How often does each stated bound, certificate and interval fail, and how often may it?

    python benchmarks/bench_coverage.py [--quick] [--only NAME] [--repeats N] [--json FILE] [--rates FILE.npy]

Simulates them on laws whose truth is known: independent samples, AR(1) series of which windows are drawn at random, fewer samples
than features, heavy tails. A row fails where failures are more than is allowed by 3 standard errors of the simulation; then the
program ends with status 1. --rates takes the bits a token of all windows of a text, float [windows], and draws from them; if the
file is not there, --model, --codec and --text say how to measure it. The output is Markdown.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats
from simulated.laws import DENSITIES, LAWS, autoregressive, entropy_bits

from rdcodec.estimators import (
    certify,
    cross_entropy_bound,
    differential_entropy,
    entropy,
    occam_bound,
    pac_bound,
    rademacher_complexity,
    rate_at_divergence,
)
from rdcodec.estimators.estimate import student_95
from rdcodec.evaluation.bootstrap import independent_error, mean_error

DELTA = 0.05
CERTIFIED = ("hoeffding", "empirical-bernstein", "betting")
PERSISTENCES = (0.3, 0.6, 0.9)
POPULATION, DRAWN = 600, 60


# ---- cases: what is tried, how often it may fail, and a trial (generator -> whether it failed)

RATES = {
    "narrow": (lambda rng, n: np.clip(rng.normal(0.5, 0.02, n), 0, 1), 0.5),
    "3% are 1": (lambda rng, n: (rng.uniform(size=n) < 0.03).astype(float), 0.03),
    "heavy tail": (lambda rng, n: np.minimum(0.02 * rng.pareto(1.5, n), 1), 0.04 * (1 - 51**-0.5)),
}


def certificate_cases():
    """Independent blocks; windows drawn at random from series; one that is stopped where it looks best."""
    for method in CERTIFIED:
        for law, (draw, mean) in RATES.items():
            for n in (24, 200):
                yield f"{method}, {n} independent blocks, {law}", DELTA, partial(_is_below, draw, mean, method, n)
    for method in ("hoeffding", "betting"):
        for persistence in PERSISTENCES:
            case = f"{method}, {DRAWN} of {POPULATION} windows drawn, AR(1) {persistence}"
            yield case, DELTA, partial(_drawn_is_below, persistence, method)
    for persistence in PERSISTENCES:
        case = f"betting, {POPULATION} consecutive windows taken to be independent, AR(1) {persistence}"
        yield case, None, partial(_consecutive_is_below, persistence)
    yield "betting, stopped at its best of 10 to 120 blocks, 30% are 1", DELTA, _stopped_is_below


def _is_below(draw, mean, method, n, rng):
    return certify(draw(rng, n), 1, DELTA, method).value < mean


def _series(rng, persistence):
    return np.clip(0.4 + 0.1 * autoregressive(rng, POPULATION, persistence), 0, 1)


def _drawn_is_below(persistence, method, rng):
    x = _series(rng, persistence)
    return certify(rng.permutation(x)[:DRAWN], 1, DELTA, method, POPULATION).value < x.mean()


def _consecutive_is_below(persistence, rng):
    return certify(_series(rng, persistence), 1, DELTA).value < 0.4  # clipping is of 4 deviations, and symmetric but for 1e-5


def _stopped_is_below(rng):
    x = (rng.uniform(size=120) < 0.3).astype(float)
    return min(certify(x[:n], 1, DELTA).value for n in range(10, 121, 10)) < 0.3


def family_cases():
    """Bounds for a family at once: the worst of its members on either side, the best-looking of its members."""
    for name, density, features in (("heavy tails", stats.t(2), 3), ("n < p", stats.norm(), 600)):
        truth = np.clip(density.ppf((np.arange(100_000) + 0.5) / 100_000), 0, 1).mean()
        case = f"pac_bound, linear functionals in the l1-ball, clipped, 400 samples of {features} features, {name}"
        yield case, DELTA, partial(_pac_fails, density, features, truth)
    yield "occam_bound, the best of 256 codecs of 8 bits, 30 samples", DELTA, _occam_fails


def _pac_fails(density, features, truth, rng):
    """The functionals are the ball's vertices, of which all have the same true mean."""
    y = density.rvs((400, features), random_state=rng)
    gap = max(np.abs(np.clip(sign * y, 0, 1).mean(axis=0) - truth).max() for sign in (1, -1))
    return gap > pac_bound(rademacher_complexity(y, draws=50, seed=rng), 1, 400, DELTA).value


def _occam_fails(rng):
    return occam_bound(rng.binomial(30, 0.3, 256).min() / 30, 1, 8, 30, DELTA).value < 0.3


def cross_entropy_cases():
    for law, (draw, truth) in LAWS.items():
        yield f"cross_entropy_bound, {law}", 0.025, partial(_is_exceeded, draw, truth)


def _is_exceeded(draw, truth, rng):
    return cross_entropy_bound(draw(rng)).interval[1] < truth


def output_cases():
    """Two contexts behind a binary symmetric channel: what is kept of them is another one (Mrs. Gerber's lemma)."""
    for flip, noise in ((0.05, 0.02), (0.2, 0.05)):
        yield f"rate_at_divergence, binary symmetric, {flip} and {noise}", DELTA, partial(_is_above, flip, noise)


def _is_above(flip, noise, rng):
    both, flips, noises = (entropy_bits(np.array([p, 1 - p])) for p in (flip + noise - 2 * flip * noise, flip, noise))
    p = [[1 - flip, flip], [flip, 1 - flip]]
    return rate_at_divergence(p, (both - flips) * np.log(2), draws=1000, delta=DELTA, seed=rng).interval[0] > 1 - noises


def knn_cases():
    for law, density in DENSITIES.items():
        for d in (1, 2, 3, 4, 5, 6, 7, 8):
            yield f"differential_entropy, knn, {law}, d = {d}, 300 samples", 0.06, partial(_misses, density, d)


def _misses(density, d, rng):
    low, high = differential_entropy(density.rvs((300, d), random_state=rng)).interval
    return not low <= d * density.entropy() / np.log(2) <= high


def error_cases():
    """Intervals of means over windows: drawn at random, where they are to cover 95%, and consecutive ones, which they do nearly."""
    for persistence in PERSISTENCES:
        for n in (24, DRAWN):
            case = f"mean ± Student's errors, {n} of {POPULATION} windows drawn, AR(1) {persistence}"
            yield case, 0.05, partial(_mean_misses, persistence, n)
    for persistence in PERSISTENCES:
        for n in (24, DRAWN, POPULATION):
            case = f"mean ± Student's errors, {n} consecutive windows, AR(1) {persistence}"
            claimed = None if n == 24 and persistence == max(PERSISTENCES) else 0.08
            yield case, claimed, partial(_consecutive_mean_misses, persistence, n)


def _mean_misses(persistence, n, rng):
    x = autoregressive(rng, POPULATION, persistence)
    drawn = rng.permutation(x)[:n]
    error = independent_error(drawn).error * np.sqrt(1 - n / POPULATION)
    return abs(drawn.mean() - x.mean()) > student_95(n - 1) * error


def _consecutive_mean_misses(persistence, n, rng):
    x = autoregressive(rng, n, persistence)
    error, _, freedom = mean_error(x)
    return abs(x.mean()) > student_95(freedom) * error


def count_cases():
    for method in ("miller-madow", "grassberger", "chao-shen", "nsb"):
        yield f"entropy, {method}, 20 Zipf classes, 2,000 samples", 0.06, partial(_count_misses, method)


def _count_misses(method, rng):
    p = 1 / np.arange(1, 21) / np.sum(1 / np.arange(1, 21))
    low, high = entropy(rng.multinomial(2000, p), method).interval
    return not low <= entropy_bits(p) <= high


CASES = {
    "certificates": certificate_cases,
    "families": family_cases,
    "cross-entropy": cross_entropy_cases,
    "outputs": output_cases,
    "knn": knn_cases,
    "errors": error_cases,
    "counts": count_cases,
}


# ---- a codec's rates of all windows of a text


def rates_of(arguments):
    """float64 [windows], as kept or measured now."""
    if not arguments.rates.is_file():
        from rdcodec import Codec, load_model
        from rdcodec.evaluation import whole_windows
        from rdcodec.splits import head_states

        model, tokenizer = load_model(arguments.model)
        codec = Codec.from_pretrained(arguments.codec)
        windows = whole_windows(tokenizer, [arguments.text.read_text(encoding="utf-8-sig")])
        states = (head_states(model, codec.layer, window[None])[0] for window in windows)
        np.save(arguments.rates, [8 * len(codec.encoder().encode(h)) / len(h) for h in states])
    return np.load(arguments.rates)


def rate_cases(rates, upper):
    for n in (24, 100, 300, 600):
        yield f"certificate of a codec's rate, {n} of {len(rates):,} windows drawn", DELTA, partial(_rate_is_below, rates, upper, n)
    for n in (24, 100):
        yield f"mean rate ± Student's errors, {n} of {len(rates):,} windows drawn", 0.05, partial(_rate_misses, rates, n)


def _rate_is_below(rates, upper, n, rng):
    return certify(rng.permutation(rates)[:n], upper, DELTA, population=len(rates)).value < rates.mean()


def _rate_misses(rates, n, rng):
    drawn = rng.permutation(rates)[:n]
    error = independent_error(drawn).error * np.sqrt(1 - n / len(rates))
    return abs(drawn.mean() - rates.mean()) > student_95(n - 1) * error


def rate_lines(rates, upper):
    """What certificates from some of the windows are above the mean of all, and what neighbours do to errors."""
    rng = np.random.default_rng(0)
    for n in (24, 100, 300, 600):
        margins = [certify(rng.permutation(rates)[:n], upper, population=len(rates)).value / rates.mean() - 1 for _ in range(20)]
        yield f"{n} of {len(rates):,} windows: certified at 0.01 {np.mean(margins):.2%} above the mean of all, {rates.mean():.1f}"
    first = mean_error(rates[:24])
    yield f"the first 24 windows: {rates[:24].mean():.1f} ± {first.error:.1f}, design effect {first.design_effect:.1f}"
    yield f"all {len(rates):,} windows in order: ± {mean_error(rates).error:.1f}, design effect {mean_error(rates).design_effect:.1f}"


# ---- the table


def tried(case, allowed, trial, repeats):
    """A row: how often the trial failed, and whether that is as it may be."""
    failures = sum(bool(trial(np.random.default_rng([number, *case.encode()]))) for number in range(repeats))
    most = None if allowed is None else repeats * allowed + 3 * np.sqrt(repeats * allowed * (1 - allowed))
    return {"case": case, "allowed": allowed, "repeats": repeats, "failures": failures, "holds": most is None or bool(failures <= most)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few repeats: tries the benchmark out")
    parser.add_argument("--only", choices=CASES, help="one kind of bounds")
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows")
    parser.add_argument("--rates", type=Path, metavar="FILE.npy", help="of a codec; measured and kept if the file is not there")
    parser.add_argument("--upper", type=float, default=2320, help="bits a token that no window's rate exceeds")
    parser.add_argument("--model", help="for --rates")
    parser.add_argument("--codec", type=Path, metavar="FOLDER", help="for --rates")
    parser.add_argument("--text", type=Path, metavar="FILE", help="for --rates")
    arguments = parser.parse_args()

    cases = [case for name in ([arguments.only] if arguments.only else CASES) for case in CASES[name]()]
    rates = rates_of(arguments) if arguments.rates else None
    if rates is not None:
        cases += rate_cases(rates, arguments.upper)
    rows = []
    print("| bound or interval | may fail | fails |\n|---|---|---|")
    for case, allowed, trial in cases:
        rows.append(tried(case, allowed, trial, 20 if arguments.quick else arguments.repeats))
        may = "not claimed" if allowed is None else f"{allowed:.1%}"
        mark = "" if rows[-1]["holds"] else " **too often**"
        print(f"| {case} | {may} | {rows[-1]['failures'] / rows[-1]['repeats']:.1%}{mark} |", flush=True)
    if rates is not None:
        print("", *rate_lines(rates, arguments.upper), sep="\n- ")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    sys.exit(not all(row["holds"] for row in rows))


if __name__ == "__main__":
    main()
