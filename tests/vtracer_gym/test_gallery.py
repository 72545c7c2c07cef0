from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.gallery import CELL, GAP, MARGIN, Exhibit, gallery
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS


def exhibits(count: int) -> list[Exhibit]:
    prepared = [PreparedLogo(logo) for logo in sample_logos(count, np.random.default_rng(0), 64)]
    return [Exhibit(one.logo, one.default, one.first) for one in prepared]


def test_one_row_per_exhibit() -> None:
    """The picture is three cells wide and grows with each exhibit."""
    one, two = (gallery(exhibits(count), "Title", "subtitle") for count in (1, 2))

    assert one.width == two.width == 2 * MARGIN + 3 * CELL + 2 * GAP
    assert two.height > one.height + CELL


def test_shows_the_traces() -> None:
    """The picture depends on the SVGs."""
    shown = exhibits(1)[0]
    blank = Exhibit(shown.logo, shown.default, Attempt.failed(DEFAULTS, "panicked"))
    pictures = [np.asarray(gallery([one], "Title", "subtitle")) for one in (shown, blank)]

    assert not np.array_equal(pictures[0], pictures[1])


def test_nothing_to_show() -> None:
    """An empty gallery is refused."""
    with pytest.raises(ValueError, match="at least one"):
        gallery([], "Title", "subtitle")
