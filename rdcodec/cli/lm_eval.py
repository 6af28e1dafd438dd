"""rdcodec lm-eval: language benchmarks of compressed models."""

import typer

__all__ = ["lm_eval"]


def lm_eval(context: typer.Context):
    """Run lm-eval's benchmarks: --model rdcodec --model_args pretrained=M,codec=DIR --tasks T,... and all of its own options."""
    try:
        from rdcodec.harness import run_lm_eval
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} is not installed: pip install 'rdcodec[eval]'") from error
    run_lm_eval(context.args)
