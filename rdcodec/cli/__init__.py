"""The command line: `rdcodec --help`. One file a sub-command."""

import sys

__all__ = ["main"]


def main(arguments=None):
    """Entry point of the console script; needs the extra `cli`."""
    try:
        from rdcodec.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"rdcodec: the command line needs {error.name}: pip install 'rdcodec[cli]'")
    sys.exit(run(arguments))
