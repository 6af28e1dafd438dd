"""The clock."""

import time


def call_times(call, seconds, fresh=None):
    """How long each of as many calls takes as fit into some seconds, at least 3.

    Each gets what `fresh` makes outside the clock, if it is given: decoders may use their input up.
    """
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        arguments = (fresh(),) if fresh else ()
        start = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - start)
    return times
