"""Tests of the screen of `rlvitals watch`, without a terminal."""

import io
import math
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from rlvitals import TrainingMonitor
from rlvitals.reader import open_run
from rlvitals.render.watch_screen import drawn
from rlvitals.summary.vital_signs import Observer, Vitals

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def vitals(monitor: Monitor) -> Vitals:
    """Vital signs of a live run with a finding, a hostile note, and non-finite numbers."""
    training = monitor("a-run", total_timesteps=10_000)
    for at in range(60):
        loss = math.nan if at > 30 else 0.1
        training.log_training_step(at, loss, loss, 1.0, kl_divergence=3.0, clip_fraction=0.1, env_step=100 * at)
        training.log_episode(at, math.inf if at > 50 else float(at), 9, 0.1, 0.9, 0.8, success=True, env_step=100 * at)
    training.log_evaluation(60, 1.0, 0.9, 0.5)
    for at in range(12):
        training.log_event("note", f"note {at} \x1b[2J with a word that is long: {'x' * 200}")
    return Observer(open_run(training.path)).observe()


def lines(vitals: Vitals, width: int, height: int | None = None) -> list[str]:
    screen = Console(width=width, file=io.StringIO(), record=True, color_system=None, markup=False)
    screen.print(drawn(vitals, width, height, keys="q ends it"))
    return screen.export_text().splitlines()


@pytest.mark.parametrize("width", [30, 40, 71, 72, 100, 300])
def test_the_screen_fits_any_width(vitals: Vitals, width: int) -> None:
    """No line is too wide, and the sparklines keep their last part."""
    found = lines(vitals, width)

    assert max(map(len, found)) <= width
    assert any("█" in line for line in found)


@pytest.mark.parametrize("height", [24, 30, 36, 60])
def test_the_screen_fits_any_height(vitals: Vitals, height: int) -> None:
    """Only the events that fit are shown."""
    assert len(lines(vitals, 100, height)) <= height


def test_findings_are_above_the_numbers(vitals: Vitals) -> None:
    """The most likely cause comes first with its advice."""
    found = "\n".join(lines(vitals, 100))
    first = vitals.diagnosis.findings[0]

    assert found.index(first.title) < found.index("last 60")
    assert "Try  " in found


def test_non_finite_values_are_shown(vitals: Vitals) -> None:
    """The value is spelled, and the sparkline has a `!`."""
    rows = {line.split("  ")[0]: line for line in lines(vitals, 100)}

    assert "NaN" in rows["Policy loss"]
    assert "!" in rows["Policy loss"]
    assert "(9 non-finite)" in rows["Reward"]


def test_one_episode_is_singular_and_unknown_steps_are_omitted(monitor: Monitor) -> None:
    """The progress line shows only known counts."""
    training = monitor()
    training.log_episode(0, 1.0, 9)
    screen = lines(Observer(open_run(training.path)).observe(), 100)

    assert screen[1].startswith("1 episode · 0 updates")


def test_dropped_records_are_reported_once(vitals: Vitals) -> None:
    """They have a line unless a finding reports them."""
    state = msgspec.structs.replace(vitals.state, dropped_records={"records": 5, "tensorboard": 1})
    overview = msgspec.structs.replace(vitals.overview, state=state)
    found = "\n".join(lines(vitals._replace(overview=overview), 100))

    assert "5 records dropped, 1 record dropped by tensorboard." in found
    assert found.count("records dropped") == 1


def test_progress_and_remaining_time_are_shown(vitals: Vitals) -> None:
    """They are shown for an open run with a known total."""
    overview = msgspec.structs.replace(vitals.overview, seconds_left=90.0)
    found = "\n".join(lines(vitals._replace(overview=overview), 100))

    assert "5,900 of 10,000 steps (59 %) · 1m 30s left" in found


def test_recorded_text_is_escaped(vitals: Vitals) -> None:
    """Control characters are shown as escapes."""
    found = "\n".join(lines(vitals, 100))

    assert "\x1b" not in found
    assert "note 11 \\x1b[2J" in found


def test_an_empty_run_is_reported(monitor: Monitor) -> None:
    """There are no numbers before the first record."""
    training = monitor()
    found = "\n".join(lines(Observer(open_run(training.path)).observe(), 80))

    assert "No episodes or updates" in found
    assert "NaN" not in found


def test_events_are_sorted_by_time_with_the_date_of_other_days(monitor: Monitor) -> None:
    """In a replay, recorded times and the current time differ by days."""
    training = monitor("a-replay")
    for at in range(60):
        training.log_episode(at, 1.0 + at % 2, 9, success=at == 30, env_step=100 * at, time=1.7e9 + at)
    vitals = Observer(open_run(training.path)).observe()
    past = msgspec.structs.replace(vitals.events[0], time=1.7e9, message="long ago")
    found = lines(vitals._replace(events=(*vitals.events, past)), 100)

    at = found.index("2023-11-14 22:13:20 long ago")
    assert "started" in found[at + 1]


def test_lines_in_a_pipe_are_as_short_as_possible(monitor: Monitor) -> None:
    """The progress bar does not fill the width of a pipe."""
    training = monitor("a-run", total_timesteps=1_000)
    training.log_episode(0, 1.0, 9, env_step=100)
    found = lines(Observer(open_run(training.path)).observe(), 1_000)

    assert max(map(len, found)) < 300
