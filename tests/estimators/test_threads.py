"""The same bits with one thread and with two."""

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
from rdcodec import estimators as e

rng = np.random.default_rng(0)
wide, tall, points = rng.normal(size=(150, 700)), rng.normal(size=(3000, 90)), rng.normal(size=(5000, 3))
print(repr([
    e.entropy(rng.integers(0, 30, 5000)),
    e.gaussian_entropy_bound(tall), e.gaussian_entropy_bound(wide), e.log_det_covariance(wide, "lanczos", probes=4, steps=20),
    e.differential_entropy(points), e.differential_entropy(points, "gaussian"),
    e.rademacher_complexity(wide, "l1", draws=3000), e.rademacher_complexity(wide, "l2", draws=3000),
    e.spectral_norm(wide), e.certify(rng.uniform(0, 5, 300), 8), e.reverse_water_filling(np.einsum("ni,nj->ij", tall, tall), 20),
    e.rate_distortion(np.ones(320), np.abs(np.subtract.outer(np.arange(320.0), np.arange(320.0))), 40, iterations=2),
]))
"""


def output(threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_threads_make_no_difference():
    assert output(1) == output(2) == output(3)
