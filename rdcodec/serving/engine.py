"""Runs the steps of all sessions on one thread, several in one forward pass where that is asked for."""

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor

from rdcodec.errors import RdcodecError
from rdcodec.serving.batches import can_batch, steps_together

__all__ = ["Engine"]


class Engine:
    """The one place where a tail computes.

    Parameters
    ----------
    tail : rdcodec.serving.Tail
    batch : int
        One-token steps in a forward pass at most. With 1 every session's numbers are those that it would have alone; more are
        faster together, and a sum that is taken in another order may differ in its last bits.

    Raises
    ------
    RdcodecError
        More than one are asked for, and some of the tail's blocks attend to the last tokens alone.
    """

    def __init__(self, tail, batch=1):
        if batch > 1 and not can_batch(tail.part.site):
            raise RdcodecError("batch: expected 1, for some of the tail's blocks attend to the last tokens alone")
        self.batch = batch
        self._waiting = deque()
        self._thread = ThreadPoolExecutor(1, "rdcodec-tail")
        self._running = None

    async def step(self, state, frames, max_tokens):
        """`TailSession.step` in its turn."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((state, frames, max_tokens, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await done

    async def _run(self):
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken = self._taken()
            results = await loop.run_in_executor(self._thread, steps_together, [job[:3] for job in taken])
            for (*_, done), result in zip(taken, results):
                if not done.cancelled():
                    done.set_exception(result) if isinstance(result, BaseException) else done.set_result(result)
        self._running = None

    def _taken(self):
        """The first job, and those behind it that may be run with it."""
        taken = [self._waiting.popleft()]
        while self._waiting and len(taken) < self.batch and taken[0][0].is_steady and self._waiting[0][0].is_steady:
            taken.append(self._waiting.popleft())
        return taken

    def close(self):
        """Wait for the step that is running."""
        self._thread.shutdown()
