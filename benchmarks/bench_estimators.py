"""How fast are the estimators beside the same in NumPy, SciPy and PyTorch?

    python benchmarks/bench_estimators.py [--quick] [--only NAME] [--json FILE] [--large]

Each case checks that both give the same number, then calls them in turn; the best time of each counts. PyTorch and NumPy run with
as many threads as the estimators do, SciPy's tree with that many workers. --large adds the Rademacher complexity of 1,000
samples of 786,432 features with 10,000 draws, from a file of 3 GB, with the peak of memory (Linux). The output is Markdown.
"""

import argparse
import json
import os
import platform
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import scipy
import torch
from scipy.integrate import quad
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln, polygamma

import rdcodec
from rdcodec import _core, estimators

SEED = 0
THREADS = _core.info()["threads"]


# ---- the peers


def nsb_scipy(counts):
    """Vectorised over classes that were seen equally often; adaptive quadrature over log(beta)."""
    seen, classes = np.unique(counts, return_counts=True)
    total, alphabet = counts.sum(), len(counts)

    def log_density(u):
        beta = np.exp(u)
        slope = alphabet * polygamma(1, alphabet * beta + 1) - polygamma(1, beta + 1)
        evidence = gammaln(alphabet * beta) - gammaln(total + alphabet * beta) + classes @ (gammaln(seen + beta) - gammaln(beta))
        return evidence + np.log(slope) + u

    def mean(u):
        a = seen + np.exp(u)
        size = total + alphabet * np.exp(u)
        return digamma(size + 1) - classes @ (a * digamma(a + 1)) / size

    grid = np.linspace(-np.log(alphabet) - 10, 10, 200)
    logs = np.array([log_density(u) for u in grid])
    mode, best = grid[logs.argmax()], logs.max()
    low, high = (mode + sign * np.ptp(grid[logs > best - 40]) / 2 + sign * 0.3 for sign in (-1, 1))

    def integral(f):
        return quad(f, low, high, points=[mode], epsrel=1e-8, limit=400)[0]

    weight = integral(lambda u: np.exp(log_density(u) - best))
    return integral(lambda u: np.exp(log_density(u) - best) * mean(u)) / weight / np.log(2)


def knn_scipy(x, k=4):
    n, d = x.shape
    distances = cKDTree(x).query(x, k=2 * k + 1, workers=THREADS)[0][:, k]
    ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    return (digamma(n) - digamma(k) + ball + d * np.log(distances).mean()) / np.log(2)


def shrinkage(samples, features, trace, square, fourth):
    distance = square / (samples**2 * features) - (trace / (samples * features)) ** 2
    noise = (fourth / samples**2 - square / samples**3) / features
    return min(noise / distance, 1.0)


def log_det_numpy(y):
    """As it is mostly written: the covariance of all features."""
    n, p = y.shape
    x = y - y.mean(axis=0)
    scatter = x.T @ x
    rho = shrinkage(n, p, np.trace(scatter), (scatter**2).sum(), ((x * x).sum(axis=1) ** 2).sum())
    shrunk = (1 - rho) / n * scatter + rho * np.trace(scatter) / (n * p) * np.eye(p)
    return np.linalg.slogdet(shrunk)[1] / np.log(2)


def log_det_gram_numpy(y):
    """With the small Gram matrix, by BLAS and LAPACK: their limit."""
    n, p = y.shape
    x = y - y.mean(axis=0)
    gram = x @ x.T
    rho = shrinkage(n, p, np.trace(gram), (gram**2).sum(), (np.diag(gram) ** 2).sum())
    added = rho * np.trace(gram) / (n * p)
    factor = np.linalg.cholesky(np.eye(n) + (1 - rho) / (n * added) * gram)
    return (2 * np.log(np.diag(factor)).sum() + p * np.log(added)) / np.log(2)


def rademacher_numpy(y, draws):
    signs = np.random.default_rng(SEED).integers(0, 2, (draws, len(y))) * 2.0 - 1
    return np.abs(signs @ y).max(axis=1).mean() / len(y)


def rademacher_torch(y, draws):
    """In float32, the fastest matrix product there is."""
    generator = torch.Generator().manual_seed(SEED)
    signs = torch.randint(0, 2, (draws, len(y)), generator=generator, dtype=torch.float32) * 2 - 1
    return (signs @ torch.from_numpy(y)).abs().amax(dim=1).mean().item() / len(y)


def norms_numpy(y, draws):
    signs = np.random.default_rng(SEED).integers(0, 2, (draws, len(y))) * 2.0 - 1
    return np.linalg.norm(signs @ y, axis=1).mean() / len(y)


# ---- the cases: name, ours, peers, how near the values must be


def counts_of(classes, samples):
    return np.bincount(np.random.default_rng(SEED).zipf(1.3, samples) % classes, minlength=classes)


def normal(*shape):
    return np.random.default_rng(SEED).normal(size=shape)


def nsb_cases(quick):
    for classes, samples in [(1000, 10_000)] if quick else [(1000, 10_000), (50_000, 10**6), (10**6, 10**7)]:
        counts = counts_of(classes, samples)
        case = f"{classes:,} classes, {samples:,} samples"
        yield case, lambda: estimators.entropy(counts), {"SciPy": lambda: nsb_scipy(counts)}, 1e-5


def knn_cases(quick):
    sizes = [(1, 10_000), (3, 10_000)] if quick else [(1, 10**5), (2, 10**5), (3, 10**5), (8, 10**4), (16, 10**4), (32, 10**4)]
    for d, n in sizes:
        x = normal(n, d)
        yield f"{n:,} points, {d} dimensions", lambda: estimators.differential_entropy(x), {"SciPy": lambda: knn_scipy(x)}, 1e-9


def log_det_cases(quick):
    for n, p in [(100, 800)] if quick else [(1000, 4000), (1000, 49_152), (20_000, 576)]:
        y = normal(n, p) * np.linspace(0.1, 3, p)
        peers = {"NumPy, p x p": lambda: log_det_numpy(y)} if p < 10_000 else {}
        if n < p:
            peers["NumPy, n x n"] = lambda: log_det_gram_numpy(y)
        yield f"{n:,} samples, {p:,} features", lambda: estimators.log_det_covariance(y), peers, 1e-9


def rademacher_cases(quick):
    n, p, draws = (200, 2000, 1000) if quick else (1000, 8192, 10_000)
    y = normal(n, p).astype(np.float32)
    peers = {"NumPy": lambda: rademacher_numpy(y, draws), "PyTorch, float32": lambda: rademacher_torch(y, draws)}
    what = f"{n:,} samples, {p:,} features, {draws:,} draws"
    yield f"l1, {what}", lambda: estimators.rademacher_complexity(y, "l1", draws), peers, 1e-2
    yield f"l2, {what}", lambda: estimators.rademacher_complexity(y, "l2", draws), {"NumPy": lambda: norms_numpy(y, draws)}, 1e-2


CASES = {"nsb": nsb_cases, "knn": knn_cases, "log-det": log_det_cases, "rademacher": rademacher_cases}


# ---- measuring


def timed(call):
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, getattr(value, "value", value)


def measure(ours, peers, tolerance, rounds):
    """Best seconds of each; the calls take turns."""
    seconds = dict.fromkeys(["rdcodec", *peers], float("inf"))
    expected = None
    for _ in range(rounds):
        for name, call in {"rdcodec": ours, **peers}.items():
            taken, value = timed(call)
            seconds[name] = min(seconds[name], taken)
            expected = value if name == "rdcodec" else expected
            assert abs(value - expected) <= tolerance * abs(expected), (name, value, expected)
    return seconds


def anonymous_memory():
    """GiB that this process holds, without the pages of mapped files, which the system may take back."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 2**20


def large_case():
    """Seconds, and peak of memory in GiB, looked at twenty times a second."""
    peak, done = anonymous_memory(), threading.Event()

    def watch():
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, anonymous_memory())

    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(SEED)
        with open(Path(folder) / "y", "wb") as file:
            for _ in range(1000):
                rng.standard_normal(786_432, dtype=np.float32).tofile(file)
        y = np.memmap(Path(folder) / "y", np.float32, "r", shape=(1000, 786_432))
        watcher = threading.Thread(target=watch)
        watcher.start()
        seconds, _ = timed(lambda: estimators.rademacher_complexity(y))
        done.set()
        watcher.join()
    return seconds, peak


def machine():
    cpu = platform.processor()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else ():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
    versions = f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}"
    return f"{cpu}, {THREADS} threads, kernels {_core.info()['kernels']}; rdcodec {rdcodec.__version__}, {versions}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small cases, in seconds: tries the benchmark out")
    parser.add_argument("--only", choices=CASES, help="one estimator")
    parser.add_argument("--large", action="store_true", help="add the 3 GB case")
    parser.add_argument("--rounds", type=int, default=3, help="calls of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine and rows")
    arguments = parser.parse_args()

    torch.set_num_threads(THREADS)
    rows = []
    print(f"{machine()}; best of {arguments.rounds}.\n")
    print("| estimator | case | rdcodec, s | peer | s | times |\n|---|---|---|---|---|---|")
    for name in [arguments.only] if arguments.only else CASES:
        for case, ours, peers, tolerance in CASES[name](arguments.quick):
            seconds = measure(ours, peers, tolerance, arguments.rounds)
            for peer in peers:
                ratio = seconds[peer] / seconds["rdcodec"]
                print(f"| {name} | {case} | {seconds['rdcodec']:.4f} | {peer} | {seconds[peer]:.4f} | {ratio:.1f} |", flush=True)
            rows.append({"estimator": name, "case": case, "seconds": seconds})
    if arguments.large:
        seconds, peak = large_case()
        print(f"\n1,000 x 786,432, 10,000 draws, l1: {seconds:.0f} s, peak of memory {peak:.2f} GiB beside the mapped file.")
        rows.append({"estimator": "rademacher", "case": "large", "seconds": {"rdcodec": seconds}, "peak_gib": peak})
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
