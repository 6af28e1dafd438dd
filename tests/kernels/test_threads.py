"""Threads that share tables, networks, matrices and predictors: check_threads.c says what they do."""

import pytest
from core_builds import run


@pytest.mark.parametrize("name", ["native", "threads"])
def test_threads_may_share_what_is_immutable(name):
    assert run(name, "check_threads") == "6 threads find the same\n"
