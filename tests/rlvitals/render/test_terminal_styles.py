"""Colours of a terminal."""

import pytest

from rlvitals.render.terminal_styles import PIPED_WIDTH, STYLES, readable, status_text
from rlvitals.runs.header import STATUSES
from rlvitals.runs.vitality import CRASHED, STALLED


@pytest.mark.parametrize("status", [*STATUSES, STALLED, CRASHED])
def test_every_status_has_a_colour(status: str) -> None:
    """Those of the writer, and those that readers see."""
    assert status_text(status).style == STYLES[status]


def test_an_unknown_status_is_shown_plainly() -> None:
    """A newer release may have more."""
    assert status_text("dreaming").plain == "dreaming"


def test_running_text_is_narrower_than_a_wide_screen() -> None:
    """And is not folded in a pipe."""
    assert (readable(80), readable(300), readable(PIPED_WIDTH - 2)) == (80, 100, PIPED_WIDTH - 2)
