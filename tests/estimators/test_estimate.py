"""What every estimator returns."""

import pytest
from scipy import stats

from rdcodec.estimators import Estimate
from rdcodec.estimators.estimate import student_95


@pytest.mark.parametrize("freedom", [1, 2, 3, 5, 10, 23, 1000])
def test_quantiles_are_students(freedom):
    assert student_95(freedom) == pytest.approx(stats.t(freedom).ppf(0.975), rel=2e-3)


def test_few_numbers_make_a_wider_interval():
    found = Estimate.student(3, 0.5, 4, "bits", 5, part=1)
    assert (found.value, found.error, found.terms) == (3.0, 0.5, {"part": 1.0})
    assert found.interval[1] - 3 == pytest.approx(0.5 * stats.t(4).ppf(0.975), rel=1e-3)
