"""Threads that code groups side by side."""

from concurrent.futures import ThreadPoolExecutor

from rdcodec import _core

__all__ = ["pool_of"]


def pool_of(workers):
    """A pool of so many threads. Each codes alone: products are not shared out among threads of their own besides."""
    return ThreadPoolExecutor(workers, "rdcodec-store", _core.limit_threads, (1,))
