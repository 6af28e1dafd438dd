"""The sub-commands put together, and how their errors end: one line and exit status 1."""

import sys
import warnings
from contextlib import contextmanager
from typing import Annotated

import typer

from rdcodec import __version__
from rdcodec.cli.bounds import bounds
from rdcodec.cli.calibrate import calibrate
from rdcodec.cli.decode import decode
from rdcodec.cli.encode import encode
from rdcodec.cli.evaluate import evaluate
from rdcodec.cli.export import export
from rdcodec.cli.generate import generate
from rdcodec.cli.info import info
from rdcodec.cli.inspect import inspect
from rdcodec.cli.join import join
from rdcodec.cli.lm_eval import lm_eval
from rdcodec.cli.modules import with_imports
from rdcodec.cli.pack import pack
from rdcodec.cli.plan import plan
from rdcodec.cli.repack import repack
from rdcodec.cli.report import report
from rdcodec.cli.serve import serve
from rdcodec.cli.stopping import stoppable
from rdcodec.cli.train import train
from rdcodec.cli.tune import tune
from rdcodec.cli.unpack import unpack
from rdcodec.cli.verify import verify
from rdcodec.cli.watch import watch
from rdcodec.errors import ModelMismatchWarning, RdcodecError

__all__ = ["app", "run"]

app = typer.Typer(
    name="rdcodec",
    help="Rate-distortion coding of transformer hidden states.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool):
    if wanted:
        print(f"rdcodec {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _without_a_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)] = False,
):
    if context.invoked_subcommand is None:
        print(context.get_help())


for _command, _name in (
    (calibrate, "calibrate"),
    (train, "train"),
    (tune, "tune"),
    (evaluate, "eval"),
    (report, "report"),
    (bounds, "bounds"),
    (watch, "watch"),
    (serve, "serve"),
    (generate, "generate"),
    (plan, "plan"),
    (encode, "encode"),
    (decode, "decode"),
    (pack, "pack"),
    (unpack, "unpack"),
    (repack, "repack"),
    (join, "join"),
    (inspect, "inspect"),
    (verify, "verify"),
    (export, "export"),
    (info, "info"),
):
    app.command(_name)(with_imports(stoppable(_command)))
# Its options are those of another program, --help among them.
app.command("lm-eval", add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lm_eval)


def run(arguments=None):
    """Run a command line.

    Parameters
    ----------
    arguments : list of str, optional
        The command line without the name of the program; ``sys.argv`` where it is not given.

    Returns
    -------
    int
        Exit status: 0, 1 after wrong input (one line of stderr says what is wrong), 2 after wrong options, 130 after Ctrl-C.
    """
    try:
        with _warnings_in_a_line():
            app(arguments, prog_name="rdcodec")
    except SystemExit as end:
        return end.code or 0
    except (RdcodecError, OSError, ImportError) as error:  # wrong input; files, models or packages that are not there
        print(f"rdcodec: {_one_line(error)}", file=sys.stderr)
        return 1
    except MemoryError:
        print("rdcodec: there is not enough memory for this", file=sys.stderr)
        return 1


@contextmanager
def _warnings_in_a_line():
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message, category, *place, **more):
            if issubclass(category, ModelMismatchWarning):
                print(f"rdcodec: {message}", file=sys.stderr)
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = show
        yield


def _one_line(error):
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
