"""Who writes the blocks of a store: this process, those of an ``accelerate launch``, or a Ray cluster."""

import logging
import pickle

from rdcodec.errors import RdcodecError
from rdcodec.extras import need

__all__ = ["WAYS", "write_store"]


def write_store(blocks, way="here", progress=None):
    """Write all blocks, and join them.

    Parameters
    ----------
    blocks : Blocks
    way : str
        "here"; "accelerate", by the processes that it launched, all of which call this; or "ray", by tasks of Ray Data on the cluster that
        ``RAY_ADDRESS`` names, on the one that runs here, or on one that is started. A task whose worker is lost is done again elsewhere.
    progress : callable, optional
        Called as ``progress(stage, fraction)``.

    Returns
    -------
    bool
        Whether it was this process that joined them.

    Raises
    ------
    ImportError
        The package is not installed.
    RdcodecError, TypeError, OSError
        As of `Blocks.write` and `Blocks.join`, or there is no such way. Blocks that are written stay for the next time.
    """
    if way not in WAYS:
        raise RdcodecError(f"way: expected {', '.join(WAYS)}, got {way}")
    return WAYS[way](blocks, progress or (lambda stage, fraction: None))


def _here(blocks, progress):
    for number in range(len(blocks)):
        blocks.write(number)
        progress("packing", (number + 1) / len(blocks))
    blocks.join(progress)
    return True


def _by_accelerate(blocks, progress):
    need("hf", "accelerate")
    from accelerate import PartialState

    state = PartialState(cpu=True)  # they only wait for each other
    own = range(len(blocks))[state.process_index :: state.num_processes]
    for count, number in enumerate(own, 1):
        blocks.write(number)
        progress("packing", count / len(own))
    state.wait_for_everyone()
    if state.is_main_process:
        blocks.join(progress)
    state.wait_for_everyone()
    return state.is_main_process


def _on_ray(blocks, progress):
    need("ray", "ray")
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.WARNING)  # `progress` says how far it is
    ray.data.DataContext.get_current().enable_progress_bars = False
    numbers = ray.data.range(len(blocks), override_num_blocks=len(blocks))
    written = numbers.map(_Task(blocks), num_cpus=blocks.workers)
    for count, row in enumerate(written.iter_rows(), 1):
        if row["error"]:
            raise pickle.loads(row["error"])
        progress("packing", count / len(blocks))
    blocks.join(progress)
    return True


class _Task:
    """A block on Ray: a row, with its number, as Ray Data hands it over; back go the number and what was raised, for Ray keeps the text alone."""

    __name__ = "pack"

    def __init__(self, blocks):
        self.blocks = blocks

    def __call__(self, row):
        try:
            self.blocks.write(int(row["id"]))
        except (RdcodecError, TypeError, OSError) as error:
            return {**row, "error": pickle.dumps(error)}
        return {**row, "error": b""}


WAYS = {"here": _here, "accelerate": _by_accelerate, "ray": _on_ray}
