"""Work on the parts of a text that several processes share, as `accelerate launch` starts them: the same numbers as those of one."""

import torch.distributed as dist

__all__ = ["shared_out"]


def shared_out(count, call):
    """What ``call(i)`` returns for i from 0 to `count` - 1.

    Parameters
    ----------
    count : int
    call : callable
        The same in all processes. Tensors that it returns are on the CPU.

    Returns
    -------
    list
        In all processes, whatever each of them did of it.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return [call(i) for i in range(count)]
    rank, size = dist.get_rank(), dist.get_world_size()
    of_processes = [None] * size
    dist.all_gather_object(of_processes, [call(i) for i in range(rank, count, size)])
    return [of_processes[i % size][i // size] for i in range(count)]
