"""The C core as a library, built and installed as `make install-lib` does; tests are skipped where there are no tools for it."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from learned_parts import learned_codec
from mutated_checkpoints import transform_codec

from rdcodec.training import FAMILIES

ROOT = Path(__file__).parents[2]
PIPE = ROOT / "examples" / "c" / "pipe.c"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
CHANNELS = 20


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def install(folder, **settings):
    """Install the library into a folder, built with these variables of csrc/lib.mk."""
    need("make", "pkg-config", settings.get("CC", "cc"))
    values = {"PREFIX": folder / "usr", "BUILD": folder / "build", "WERROR": 1, "CFLAGS": "-O1", **settings}
    command = ["make", "--silent", f"--jobs={os.cpu_count()}", "install-lib", *(f"{name}={value}" for name, value in values.items())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "usr"


def flags(prefix, *options):
    """What pkg-config says of the library below a prefix."""
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    said = subprocess.run(["pkg-config", *options, "rdcodec"], env=environment, capture_output=True, text=True, check=True)
    return said.stdout.split()


def build(prefix, program, *options, compiler="cc", source=PIPE):
    """The example, or another program, built against the library below a prefix."""
    need(compiler)
    libraries = [*flags(prefix, "--cflags", "--libs"), f"-Wl,-rpath,{prefix / 'lib'}"]
    done = subprocess.run([compiler, *options, *WARNINGS, source, "-x", "none", "-o", program, *libraries], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


def run(program, *arguments, data=b""):
    """What the example writes, or the line in which it says what is wrong."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run([program, *map(str, arguments)], input=data, capture_output=True, env=environment)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout if done.returncode == 0 else done.stderr.decode()


def deviations():
    return np.exp(np.random.default_rng(3).normal(0, 0.5, CHANNELS))


MAKERS = {
    "transform": transform_codec,
    "block-transform": lambda: transform_codec(blocks=True),
    **{name: lambda family=family: learned_codec(family, CHANNELS, deviations()) for name, family in FAMILIES.items()},
}


def states(tokens, channels=CHANNELS, seed=0):
    h = np.random.default_rng(seed).standard_t(4, (tokens, channels)).astype(np.float32)
    h[tokens // 2, 3] = 3e4
    return h
