"""The core as compilers see it that know nothing of GNU, as Microsoft's does, and as it is compiled for Windows: by clang's front end."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for path in (ROOT / "csrc").glob("*/*.c") if path.parent.name != "python")
MUSL, WINDOWS = (
    Path("/usr/include/x86_64-linux-musl"),
    Path("/usr/x86_64-w64-mingw32/include"),
)  # headers that ask for nothing of GNU; of Windows
WARNINGS = ["-Wpedantic", "-Wall", "-Wextra", "-Wvla", "-Werror", "-Wno-literal-range"]  # that of musl's INFINITY
NO_GNU = [f"-U{name}" for name in ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__", "__clang__")]


def headers_of_clang():
    found = subprocess.run(["clang", "-print-resource-dir"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{found}/include"


@pytest.mark.emulation
@pytest.mark.parametrize(
    ("headers", "options"),
    [
        pytest.param(MUSL, lambda: ["-nostdinc", "-isystem", MUSL, "-isystem", headers_of_clang(), *NO_GNU], id="no GNU"),
        pytest.param(WINDOWS, lambda: ["--target=x86_64-w64-mingw32", "-isystem", WINDOWS], id="Windows"),
    ],
)
def test_another_system_takes_the_core(headers, options):
    if shutil.which("clang") is None or not headers.is_dir():
        pytest.skip(f"clang, or {headers}, is not installed")
    command = ["clang", "-std=c11", "-fsyntax-only", *WARNINGS, *options(), f"-I{ROOT / 'csrc'}", *SOURCES]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
