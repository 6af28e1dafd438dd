"""Which lines of the C core its tests reach: a row a folder, and the lines that none reaches.

The tests are those of Python on a build of the extension that counts, and the programs of tests/kernels and the corpus of tests/fuzz. Lines
of kernels for other processors are not compiled, and not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import core_builds

ROOT = core_builds.ROOT
TESTS = ["entropy", "quant", "dense", "net", "levels", "stream", "codecs", "golden", "estimators"]
BUILD = core_builds.Build("gcc", ["-O0", "--coverage", "-DSANITIZED"])


def run_python_tests(work):
    environment = {**os.environ, "RDCODEC_COVERAGE": "1", "OMP_NUM_THREADS": "2"}
    build = [sys.executable, "setup.py", "-q", "build", "--build-base", work / "build", "--build-lib", work / "lib"]
    subprocess.run(build, cwd=ROOT, env=environment, check=True)
    folders = [ROOT / "tests" / name for name in TESTS]
    options = ["-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT]
    subprocess.run([sys.executable, "-m", "pytest", *options, *folders], cwd=work / "lib", env=environment)


def run_programs():
    core_builds.BUILDS["coverage"] = BUILD
    core_builds.run("coverage", "check_kernels", "--rounds", 200)
    core_builds.run("coverage", "check_memory")
    for target in (ROOT / "tests" / "fuzz" / "corpus").iterdir():
        core_builds.run("coverage", "replay", target.name, *target.iterdir())
    return core_builds.folder_of("coverage")


def count_lines(folder, counts):
    """Adds the counts of a folder's objects to {file: {line: count}}."""
    for data in folder.rglob("*.gcda"):
        shown = subprocess.run(["gcov", "--json-format", "--stdout", data], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for text in filter(None, shown.splitlines()):
            for file in json.loads(text)["files"]:
                path = (ROOT / file["file"]).resolve()
                if path.is_relative_to(ROOT / "csrc"):
                    for line in file["lines"]:
                        counts[path][line["line_number"]] += line["count"]


def print_table(counts):
    folders = defaultdict(lambda: [0, 0])
    for path, lines in counts.items():
        folders[path.parent.name][0] += len(lines)
        folders[path.parent.name][1] += sum(count > 0 for count in lines.values())
    print(f"{'folder':<12}{'lines':>8}{'reached':>9}{'':>3}")
    for name, (lines, reached) in sorted(folders.items()):
        print(f"{name:<12}{lines:>8}{reached:>9}{reached / lines:>9.1%}")


def print_missing(counts):
    for path, lines in sorted(counts.items()):
        missing = sorted(number for number, count in lines.items() if count == 0)
        if missing:
            print(f"{path.relative_to(ROOT)}: {' '.join(map(str, missing))}")


def main():
    counts = defaultdict(lambda: defaultdict(int))
    with tempfile.TemporaryDirectory() as work:
        run_python_tests(Path(work))
        count_lines(Path(work), counts)
    count_lines(run_programs(), counts)
    print_missing(counts)
    print_table(counts)


if __name__ == "__main__":
    main()
