"""rdcodec report: tables and pictures of rows that were kept."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from rdcodec.cli.options import Json
from rdcodec.cli.output import check_folder, check_writable, output_file, say, write_json
from rdcodec.extras import need

__all__ = ["report"]


def report(
    rows: Annotated[list[Path], typer.Argument(help="Files that rdcodec eval --json wrote, or folders of them.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Folder to write README.md and pictures to.", show_default=False)],
    json: Json = None,
):
    """Write a page of tables and pictures of evaluations that were kept as JSON."""
    check_writable(json)
    check_folder(out)
    need("plot", "matplotlib")
    from rdcodec.evaluation import read_runs, results_page

    runs = read_runs(rows)
    page, pictures = results_page(runs)
    out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:  # all are written or none
        for name, figure in pictures.items():
            figure.savefig(files.enter_context(output_file(out / name)), format="png")
        files.enter_context(output_file(out / "README.md")).write(page.encode())
        write_json(json, [{"title": run.title, "rows": run.rows.to_dicts()} for run in runs])
    say(f"{out}: {sum(len(run.rows) for run in runs)} rows of {len(runs)} runs, {len(pictures)} pictures")
