"""How fast is the entropy coder, and how close to the ideal rate? rdcodec beside torch_ans, constriction, CompressAI, torchac, zstd and memcpy.

    python benchmarks/bench_entropy.py [--json FILE] [--plot FILE] [--quick] [--peer-python torchac=/path/to/python] [--compressai FOLDER]

Symbols are drawn from Gaussians: over their entropy, their number and the number of tables, with one thread and two. Every coder
has a process of its own, checks that the symbols come back, and takes turns with the others; the best time of its calls counts.
A peer that is not installed is named and left out. CompressAI's compiled coder is loaded by itself, from the installed package
or from --compressai, the folder of an unpacked wheel, so that its many dependencies need not be there. The output is Markdown.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

from entropy.coders import CODERS
from entropy.worker import serve


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine, versions, command and all rows")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw speeds (PNG)")
    parser.add_argument("--quick", action="store_true", help="few cases of few symbols, under a minute: tries the benchmark out")
    parser.add_argument("--peer-python", action="append", default=[], metavar="CODER=PYTHON", help="interpreter that has this peer")
    parser.add_argument("--compressai", metavar="FOLDER", help="unpacked CompressAI wheel")
    parser.add_argument("--worker", choices=CODERS, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(arguments):
    from entropy import report
    from entropy.sweep import FULL, QUICK, Sweep

    pythons = dict(pair.split("=", 1) for pair in arguments.peer_python)
    sweep = Sweep(QUICK if arguments.quick else FULL, Path(__file__).resolve(), pythons, arguments.compressai)
    sweep.run()
    result = report.collect(sweep, shlex.join(["python", "benchmarks/bench_entropy.py", *sys.argv[1:]]))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if arguments.plot:
        from entropy.plot import draw

        draw(result).savefig(arguments.plot)
    print(report.markdown(result))


if __name__ == "__main__":
    given = options()
    if given.worker:
        serve(given.worker, given.threads, given.compressai)
    else:
        measure(given)
