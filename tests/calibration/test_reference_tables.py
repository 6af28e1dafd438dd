"""Tables of what tokens refer to: every distance has a code, near to what counts say, also where nothing was seen."""

import numpy as np
import pytest

from rdcodec.calibration.references import reference_tables
from rdcodec.codecs.references import distance_classes, reference_table_count
from rdcodec.entropy import FrequencyTables


@pytest.mark.parametrize("referred", [1, 2, 20, 2048])
def test_every_distance_has_a_code_before_anything_was_counted(referred):
    tables = FrequencyTables.joined(reference_tables(referred, 3, []))
    assert len(tables) == reference_table_count(referred, 3)
    for available in {1, min(3, referred), referred}:
        table = np.array([distance_classes(available) - 1])
        symbols = np.arange(available + 1, dtype=np.int32)
        bits = [tables.ideal_bits(np.array([symbol], np.int32), table) for symbol in symbols]
        assert max(bits) < np.log2(available + 1) + 6


def test_codes_are_those_of_the_counts():
    """Tokens that refer to the 8 to 15 before them, evenly, three times of four."""
    classes, rng = 11, np.random.default_rng(1)
    counts = [np.zeros(0)] * (2 * classes + 2)
    distances = np.where(rng.random(40_000) < 0.75, rng.integers(8, 16, 40_000), 0)
    counts[8] = np.bincount(distances)
    tables = FrequencyTables.joined(reference_tables(1024, 1, counts))
    bits = tables.ideal_bits(distances.astype(np.int32), np.full(len(distances), 8)) / len(distances)
    entropy = 0.75 * (np.log2(8 / 0.75)) + 0.25 * 2
    assert entropy - 0.02 < bits < entropy + 0.05


def test_a_class_that_was_not_seen_goes_by_the_others():
    classes, rng = 11, np.random.default_rng(2)
    counts = [np.zeros(0)] * (2 * classes + 2)
    counts[7] = np.bincount(np.where(rng.random(5000) < 0.5, 1 + (rng.random(5000) * 100).astype(int), 0))
    tables = FrequencyTables.joined(reference_tables(1024, 1, counts))

    def bits(symbol, available_class):
        return tables.ideal_bits(np.array([symbol], np.int32), np.array([available_class - 1]))

    assert bits(0, 11) == pytest.approx(1, abs=0.4)
    assert bits(50, 10) < bits(500, 10) < bits(1000, 11) + 2


def test_no_references_need_no_tables():
    assert reference_tables(0, 0, []) == [] and reference_table_count(0, 0) == 0
