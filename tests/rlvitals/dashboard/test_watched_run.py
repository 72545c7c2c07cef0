"""Tests of runs on open pages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.dashboard.broadcaster import MOST_ROWS, grown
from rlvitals.dashboard.run_header import RunHeader, run_header
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.summary.overview import assess

Monitor = Callable[..., TrainingMonitor]


def assessed_header(training: TrainingMonitor) -> RunHeader:
    """Return the header of the page of a run after its assessment."""
    run = WatchedRun("run", training.path)
    run.refresh()
    return run_header(run, assess(run.reader, clock=run.clock)[1])


def test_each_reader_gets_the_records_since_its_cursor(monitor: Monitor) -> None:
    """Refreshes by other readers do not remove records from the delta."""
    training = monitor()
    run = WatchedRun("run", training.path)
    run.refresh()
    cursor = run.cursor()
    training.log_episode(0, 1.0, 5)
    training.log_note("look at this")
    training.log_evaluation(5, 1.0, 0.5, 0.5)
    for _ in range(2):  # a request of a page refreshes the run too
        run.refresh()
    news = run.delta_since(cursor)
    training.close()

    assert (news.before["episodes"], run.columns["episodes"].rows) == (0, 1)
    assert "look at this" in [event.message for event in news.events]
    assert (news.evaluations, news.again) == (1, False)
    assert run.delta_since(run.cursor()) == (run.cursor().rows, [], 0, False)


def test_a_reopened_run_with_fewer_records_is_read_again(finished: Path, monitor: Monitor) -> None:
    """A cursor of the previous run is invalid."""
    known = WatchedRun("finished", finished)
    known.refresh()
    shutil.rmtree(finished)
    with monitor("finished") as training:
        training.log_episode(0, 7.0, 1)
    run = WatchedRun("finished", finished)
    run.refresh()

    assert run.delta_since(known.cursor()).again


def test_every_stream_has_positions_on_every_clock(watched: WatchedRun) -> None:
    """A stream without the clock gets row numbers."""
    _, by_update = watched.positions("episodes", "update")
    _, by_episode = watched.positions("updates", "episode")
    _, by_step = watched.positions("updates", "env_step")

    assert by_update[:3].tolist() == [1.0, 2.0, 3.0]
    assert by_episode[:3].tolist() == [1.0, 2.0, 3.0]
    assert by_step[:3].tolist() == [0.0, 50.0, 100.0]
    assert watched.positions("system", "env_step")[0] == "row"


def test_a_step_has_a_position_on_every_clock(watched: WatchedRun) -> None:
    """The environment step determines the other positions."""
    place = watched.place(250.0, 0.0)

    assert (place["episode"], place["update"], place["time"]) == (49.0, 10.0, 49.0)


def test_a_removed_run_recovers_when_it_is_back(finished: Path) -> None:
    """Meanwhile the error is reported without the absolute path."""
    run = WatchedRun("finished", finished)
    run.refresh()
    aside = finished.with_name("aside")
    shutil.move(finished, aside)
    run.refresh()
    gone = run.read_error
    shutil.move(aside, finished)
    run.refresh()

    assert "finished" in gone
    assert str(finished) not in gone
    assert run.read_error == ""
    assert run.columns["episodes"].rows == 101


def test_a_replaced_run_is_read_from_the_start(finished: Path, monitor: Monitor) -> None:
    """Nothing of the previous run remains."""
    run = WatchedRun("finished", finished)
    run.refresh()
    cursor = run.cursor()
    shutil.rmtree(finished)
    with monitor("finished") as training:
        training.log_episode(0, 7.0, 1)
    run.refresh()

    assert run.delta_since(cursor).again
    assert run.columns["episodes"].numbers("reward").tolist() == [7.0]


def test_results_are_cached_until_new_records_arrive(monitor: Monitor) -> None:
    """Pages share the cached result."""
    training = monitor()
    run, made = WatchedRun("run", training.path), []
    run.refresh()
    for _ in range(3):
        run.cached("it", lambda: made.append(1))
    training.log_episode(0, 1.0, 1)
    run.refresh()
    run.cached("it", lambda: made.append(1))
    training.close()

    assert len(made) == 2


@pytest.mark.parametrize("rows", [1, MOST_ROWS + 1])
def test_new_rows_are_pushed_with_their_positions(monitor: Monitor, rows: int) -> None:
    """For many rows only the number is pushed, and the page requests what it shows."""
    training = monitor()
    for number in range(rows):
        training.log_episode(number, float("nan"), 1)
    training.close()
    run = WatchedRun("run", training.path)
    run.refresh()
    told = grown(run, "episodes", 0)

    assert told["rows"] == rows
    assert (told["columns"] is None) == (rows > MOST_ROWS)
    if told["columns"]:
        assert (told["columns"]["reward"], told["clocks"]["episode"]) == (["NaN"], [0.0])


@pytest.mark.parametrize("kind", ["empty", "one", "no updates", "all NaN", "updates only"])
def test_incomplete_runs_have_a_header(monitor: Monitor, kind: str) -> None:
    """Empty runs and all-NaN runs have a verdict."""
    with monitor(configuration={"n_envs": 4}) as training:
        training.advance(12_400)
        for number in range({"one": 1, "no updates": 30, "all NaN": 30}.get(kind, 0)):
            training.log_episode(number, float("nan") if kind == "all NaN" else 1.0, 5)
        if kind in {"all NaN", "updates only"}:
            training.log_training_step(1, float("nan"), float("nan"), float("nan"))
        training.save_session()
        head = assessed_header(training)

    assert head.overview.verdict is not None
    assert (head.overview.verdict.title == "No episode finished yet") == (kind == "empty")
    if kind == "all NaN":
        level = head.overview.levels["reward"]
        assert (level.mean, level.not_finite) == (None, 30)


def test_sixty_episodes_are_not_compared_as_first_and_last_hundred(monitor: Monitor) -> None:
    """The verdict does not compare the episodes with themselves."""
    with monitor() as training:
        for episode in range(60):
            training.log_episode(episode, float(episode), 5)

    verdict = assessed_header(training).overview.verdict
    assert verdict is not None
    assert "100" not in verdict.text


def test_a_run_of_three_episodes_has_no_health_score(monitor: Monitor) -> None:
    """The header states how much evidence a verdict needs."""
    with monitor() as training:
        for episode in range(3):
            training.log_episode(episode, float(episode), 5)
    overview = assessed_header(training).overview

    assert overview.health is not None
    assert (overview.health.score, overview.health.status, overview.health.deductions) == (None, "not judged", ())
    assert overview.evidence.startswith("3 episodes with a reward and no update; a verdict needs")


def test_the_header_marks_a_replay(finished: Path, monitor: Monitor) -> None:
    """The time that the writer was open is not the duration of a replayed training."""
    with monitor("replay") as training:
        training.log_episode(0, 1.0, 5, time=training.session.start_time - 3_600.0)
    heads = []
    for path in (finished, training.path):
        run = WatchedRun(path.name, path)
        run.refresh()
        heads.append(run_header(run, None))

    assert [head.is_replayed for head in heads] == [False, True]
