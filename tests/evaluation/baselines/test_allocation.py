"""Dynamic programming against all divisions there are."""

import itertools

import numpy as np
import pytest

from rdcodec.evaluation.baselines.allocation import Allocation, Group

COMPONENTS, SIZES, BITS, OVERHEAD = 5, (1, 2, 3), (0, 1, 2, 4), 3


def divisions(start=0):
    """Every way to divide the components from `start` on."""
    if start == COMPONENTS:
        yield ()
    for size, bits in itertools.product(SIZES, BITS):
        if start + size <= COMPONENTS:
            for rest in divisions(start + size):
                yield (Group(start, size, bits), *rest)


def cost(groups):
    return sum(group.size * group.bits + (OVERHEAD if group.bits else 0) for group in groups)


@pytest.mark.parametrize("seed", range(3))
def test_no_division_is_better(seed):
    generator = np.random.default_rng(seed)
    errors = {group: float(generator.uniform()) for groups in divisions() for group in groups}
    every = [(cost(groups), sum(errors[group] for group in groups)) for groups in divisions()]
    allocation = Allocation(errors, OVERHEAD, 40)
    for budget in range(41):
        best = min(error for bits, error in every if bits <= budget)
        groups = allocation.groups(budget)
        assert allocation.error(budget) == pytest.approx(best)
        assert sum(errors[group] for group in groups) == pytest.approx(best)
        assert cost(groups) <= budget
        assert [group.start for group in groups] == [0, *np.cumsum([group.size for group in groups])[:-1]]


def test_what_there_is_no_room_for():
    allocation = Allocation({Group(0, 1, 2): 0.0}, OVERHEAD, 6)
    assert allocation.error(4) == np.inf and allocation.error(5) == 0


def test_of_equal_variances_and_errors_all_get_the_same():
    """Reverse water-filling: with errors variance / 4**bits, bits follow half the logarithm of the variance."""
    variances = 4.0 ** np.array([3, 2, 2, 1])
    errors = {Group(i, 1, bits): variance / 4**bits for i, variance in enumerate(variances) for bits in range(8)}
    assert [group.bits for group in Allocation(errors, 0, 12).groups(12)] == [4, 3, 3, 2]
