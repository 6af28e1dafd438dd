"""Bytes between processes of `torch.distributed`, whose tensors have a size that both ends know: lengths go before them."""

import torch
import torch.distributed as dist

from rdcodec.errors import LimitError

__all__ = ["all_alike", "receive_parts", "send_parts"]


def send_parts(stage, parts):
    """Send byte strings to the next stage of a pipeline.

    Parameters
    ----------
    stage : transformers.distributed.pipeline_parallel.PipelineStage
    parts : list of bytes
        At least one.
    """
    device = _device(stage)
    lengths = torch.tensor([len(part) for part in parts], dtype=torch.int32, device=device)
    joined = torch.frombuffer(bytearray(b"".join(parts)), dtype=torch.uint8).to(device)
    _exchange(stage, dist.isend, stage.pp_next_rank, lengths, joined)


def receive_parts(stage, count, max_bytes):
    """Byte strings that the stage before sent.

    Parameters
    ----------
    stage : transformers.distributed.pipeline_parallel.PipelineStage
    count : int
        How many.
    max_bytes : int
        Of all at most.

    Returns
    -------
    list of memoryview

    Raises
    ------
    LimitError
        They claim more.
    """
    lengths = torch.empty(count, dtype=torch.int32, device=_device(stage))
    _exchange(stage, dist.irecv, stage.pp_prev_rank, lengths)
    sizes = lengths.tolist()
    if min(sizes) < 1 or sum(sizes) > max_bytes:
        raise LimitError(
            f"frames of rank {stage.pp_prev_rank}: expected 1 byte each and {max_bytes} together at most, got lengths {sizes[:8]}"
        )
    joined = torch.empty(sum(sizes), dtype=torch.uint8, device=_device(stage))
    _exchange(stage, dist.irecv, stage.pp_prev_rank, joined)
    data, parts = memoryview(joined.cpu().numpy()), []
    for size in sizes:
        parts.append(data[:size])
        data = data[size:]
    return parts


def all_alike(stage, digest):
    """Whether all stages of a pipeline have the same 8 bytes; all of them must ask."""
    own = torch.frombuffer(bytearray(digest), dtype=torch.int64).to(_device(stage))
    found = [torch.empty_like(own) for _ in range(stage.pp_size)]
    dist.all_gather(found, own, group=stage.pp_group)
    return all(torch.equal(other, own) for other in found)


def _device(stage):
    return torch.device("cpu" if stage.comm_on_cpu else torch.accelerator.current_accelerator())


def _exchange(stage, operation, rank, *tensors):
    peer = dist.get_global_rank(stage.pp_group, rank)
    for request in dist.batch_isend_irecv([dist.P2POp(operation, tensor, peer, group=stage.pp_group) for tensor in tensors]):
        request.wait()
