"""Block statistics match those of slices of the series."""

import numpy as np
import pytest

from rlvitals.diagnosis.block_table import BlockTable


@pytest.mark.parametrize("count", [1, 7, 8, 9, 100, 1000])
def test_blocks_hold_means_and_extremes(count: int) -> None:
    """Means and extremes equal those of slices of the whole series, for any length."""

    series = np.random.default_rng(count).standard_normal(count)
    table = BlockTable(("x",), most_rows=8)
    for part in np.array_split(series, 5):
        table.extend(part[None, :], np.ones((1, part.size), dtype=bool))
    blocks = [series[at : at + table.block] for at in range(0, count, table.block)]
    assert len(table) == len(blocks) <= 8
    np.testing.assert_allclose(table.mean("x"), [block.mean() for block in blocks])
    np.testing.assert_allclose(table.low("x"), [block.min() for block in blocks])
    np.testing.assert_allclose(table.high("x"), [block.max() for block in blocks])


def test_a_block_without_a_finite_value_has_no_mean() -> None:
    """The mean is NaN, without a warning."""

    table = BlockTable(("x",))
    table.extend(np.array([[np.nan, 2.0]]), np.array([[True, False]]))
    assert np.isnan(table.mean("x")).all()
    assert table.not_finite("x").tolist() == [1.0, 0.0]
