"""Reading of the last records of a stream and of later additions."""

from collections.abc import Callable, Iterator
from typing import Any

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs import Run
from rlvitals.runs.follower import polled
from rlvitals.runs.sealing import seal
from rlvitals.runs.stream_end import StreamEnd

Monitor = Callable[..., TrainingMonitor]


def logged(training: TrainingMonitor, numbers: Iterator[int] | range) -> None:
    for number in numbers:
        training.log_episode(number, number / 2, 1, env_step=number)


def followed(run: Run, count: int, wait: Callable[[float], None], *, forever: bool = False) -> Iterator[list[Any]]:
    """Yield the last episodes of a run, then the new ones."""
    end = StreamEnd(run, "episodes")
    yield end.last(count)
    yield from polled(run, end.read, wait, forever=forever)


def test_a_live_run_is_followed_to_its_end(monitor: Monitor) -> None:
    """Every record is returned once and in order, including records logged shortly before the close."""
    training = monitor()
    logged(training, range(15))
    coming = iter([range(15, 18), range(0), range(18, 20)])

    def wait(_: float) -> None:
        numbers = next(coming)
        logged(training, numbers)
        if 19 in numbers:
            training.close()

    batches = followed(training.run, 10, wait)

    assert [record.episode for batch in batches for record in batch] == list(range(5, 20))


def test_sealing_does_not_affect_following(monitor: Monitor) -> None:
    """A segment can be sealed before or while the stream is followed."""
    training = monitor(
        settings=RecorderSettings(system_interval_s=None, seal_records=10, heartbeat_s=3_600, fsync_interval_s=3_600)
    )
    logged(training, range(12))
    episodes = training.path / "episodes"
    seal(episodes / "000001.jsonl")

    def wait(_: float) -> None:
        if (episodes / "000003.jsonl").exists():
            training.close()
        else:
            logged(training, range(12, 25))
            seal(episodes / "000002.jsonl")

    batches = followed(training.run, 5, wait)

    assert [record.episode for batch in batches for record in batch] == list(range(7, 25))


def test_an_ended_run_can_be_followed_further(monitor: Monitor) -> None:
    """Records of a resumed session are returned."""
    training = monitor()
    training.close()

    def resume(_: float) -> None:
        with monitor(resume="must") as resumed:
            logged(resumed, range(3))

    batches = followed(training.run, 10, resume, forever=True)

    assert [len(next(batches)) for _ in range(3)] == [0, 0, 3]
