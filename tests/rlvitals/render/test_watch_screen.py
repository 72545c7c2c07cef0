"""The screen of `rlvitals watch`: from a state and a size to lines, without a terminal."""

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
    """A live run with a finding, a hostile note, and numbers that are not finite."""
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
def test_it_fits_any_width(vitals: Vitals, width: int) -> None:
    """No line is wider than the screen; the curves keep their last part."""
    found = lines(vitals, width)

    assert max(map(len, found)) <= width
    assert any("█" in line for line in found)


@pytest.mark.parametrize("height", [24, 30, 36, 60])
def test_it_fits_a_window(vitals: Vitals, height: int) -> None:
    """Events are as many as there is room for."""
    assert len(lines(vitals, 100, height)) <= height


def test_what_is_wrong_stands_above_the_numbers(vitals: Vitals) -> None:
    """The likeliest cause first, with what to try."""
    found = "\n".join(lines(vitals, 100))
    first = vitals.diagnosis.findings[0]

    assert found.index(first.title) < found.index("last 60")
    assert "Try  " in found


def test_what_is_not_finite_is_seen(vitals: Vitals) -> None:
    """In the value, and as `!` in the curve."""
    rows = {line.split("  ")[0]: line for line in lines(vitals, 100)}

    assert "NaN" in rows["Policy loss"]
    assert "!" in rows["Policy loss"]
    assert "(9 non-finite)" in rows["Reward"]


def test_one_episode_is_singular_and_unknown_steps_are_left_out(monitor: Monitor) -> None:
    """In the line of the progress."""
    training = monitor()
    training.log_episode(0, 1.0, 9)
    screen = lines(Observer(open_run(training.path)).observe(), 100)

    assert screen[1].startswith("1 episode · 0 updates")


def test_dropped_records_are_reported_once(vitals: Vitals) -> None:
    """In a line, unless a finding reports them."""
    state = msgspec.structs.replace(vitals.state, dropped_records={"records": 5, "tensorboard": 1})
    overview = msgspec.structs.replace(vitals.overview, state=state)
    found = "\n".join(lines(vitals._replace(overview=overview), 100))

    assert "5 records dropped, 1 record dropped by tensorboard." in found
    assert found.count("records dropped") == 1


def test_progress_and_time_left_are_said(vitals: Vitals) -> None:
    """Where the total is known, and the run goes on."""
    overview = msgspec.structs.replace(vitals.overview, seconds_left=90.0)
    found = "\n".join(lines(vitals._replace(overview=overview), 100))

    assert "5,900 of 10,000 steps (59 %) · 1m 30s left" in found


def test_recorded_texts_do_not_steer_the_terminal(vitals: Vitals) -> None:
    """Control characters are shown as such."""
    found = "\n".join(lines(vitals, 100))

    assert "\x1b" not in found
    assert "note 11 \\x1b[2J" in found


def test_before_the_first_episode_it_says_so(monitor: Monitor) -> None:
    """Instead of numbers that are none."""
    training = monitor()
    found = "\n".join(lines(Observer(open_run(training.path)).observe(), 80))

    assert "Nothing recorded" in found
    assert "NaN" not in found


def test_events_are_in_the_order_of_time_with_the_date_where_it_is_another(monitor: Monitor) -> None:
    """Records of a replayed training are of another day than its events of now."""
    training = monitor("a-replay")
    for at in range(60):
        training.log_episode(at, 1.0 + at % 2, 9, success=at == 30, env_step=100 * at, time=1.7e9 + at)
    vitals = Observer(open_run(training.path)).observe()
    past = msgspec.structs.replace(vitals.events[0], time=1.7e9, message="long ago")
    found = lines(vitals._replace(events=(*vitals.events, past)), 100)

    at = found.index("2023-11-14 22:13:20 long ago")
    assert "started" in found[at + 1]


def test_a_pipe_gets_no_longer_line_than_it_needs(monitor: Monitor) -> None:
    """The bar of the progress ends where it is drawn."""
    training = monitor("a-run", total_timesteps=1_000)
    training.log_episode(0, 1.0, 9, env_step=100)
    found = lines(Observer(open_run(training.path)).observe(), 1_000)

    assert max(map(len, found)) < 300
