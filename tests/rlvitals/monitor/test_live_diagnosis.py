"""Live diagnosis of a run."""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.diagnosis import Context, Diagnosis
from rlvitals.diagnosis.finding_events import FINDING, recorded_findings
from rlvitals.monitor.live_diagnosis import LiveDiagnosis
from rlvitals.records import Episode, Event, PolicyUpdate
from rlvitals.runs import Run
from rlvitals.sinks import MemorySink
from rlvitals.testing.manual_clock import ManualClock

Monitor = Callable[..., TrainingMonitor]
LOOKING = RecorderSettings(system_interval_s=None, diagnosis_interval_s=5.0)


def update(step: int, loss: float = 0.1) -> PolicyUpdate:
    return PolicyUpdate(time=float(step), step=step, env_step=step, policy_loss=loss, value_loss=0.5, entropy=1.0)


@pytest.fixture
def watched(tmp_path: Path) -> Callable[..., tuple[LiveDiagnosis, list[Event], ManualClock]]:
    """Return a function that creates a live diagnosis, the list of its events, and its clock."""

    def make(**options: Any) -> tuple[LiveDiagnosis, list[Event], ManualClock]:
        with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as monitor:
            pass
        said: list[Event] = []
        clock = ManualClock(1_000.0)
        live = LiveDiagnosis(said.append, Context, Run(monitor.path), clock=clock, interval_s=5.0, **options)
        return live, said, clock

    return make


def test_a_finding_is_recorded_once_when_it_opens(watched: Any) -> None:
    """The event has all details, and is not repeated while the finding is open."""
    live, said, clock = watched()
    for step in range(40):
        live.write(update(step, math.nan if step > 10 else 0.1))
        clock.advance(1.0)
    found = [event for event in said if event.code == "non-finite"]

    assert len(found) == 1
    assert (found[0].kind, found[0].severity, found[0].data["state"]) == ("finding", "critical", "opened")
    assert {"confidence", "evidence", "cause", "advice", "source", "symptoms", "title"} <= found[0].data.keys()


def test_it_evaluates_only_after_the_interval(watched: Any) -> None:
    """Records within the interval do not cause an evaluation."""
    live, said, clock = watched()
    for step in range(50):
        live.write(update(step, math.nan))
    assert said == []
    clock.advance(5.0)
    live.write(update(50, math.nan))

    assert [event.code for event in said] == ["non-finite"]


def test_closing_evaluates_once_more(watched: Any) -> None:
    """The last records are included in the diagnosis."""
    live, said, _ = watched()
    for step in range(50):
        live.write(update(step, math.nan))
    live.close()
    live.close()

    assert [event.code for event in said] == ["non-finite"]


def test_a_recovered_run_has_no_open_finding_at_its_end(watched: Any) -> None:
    """A finding that no longer applies is closed at the end, even without new records."""
    live, said, clock = watched()
    for number in range(60):
        live.write(Episode(time=float(number), episode=number, reward=math.nan if number < 20 else 1.0, length=1))
        clock.advance(1.0)
    assert any(one.is_open for one in recorded_findings(said))
    live.write(Event(time=60.0, kind="rewind", message="back"))
    live.close()

    assert not any(one.is_open for one in recorded_findings(said))


def test_milestones_are_recorded(watched: Any) -> None:
    """They are recorded in order by the evaluations. A first success is found among very many records."""
    live, said, clock = watched()
    for number in range(12_000):
        live.write(Episode(time=float(number), episode=number, reward=0.0, length=1, success=number == 3))
    clock.advance(5.0)
    live.write(update(1))

    assert [(event.kind, event.code, event.episode) for event in said if event.kind == "milestone"] == [
        ("milestone", "first-success", 3)
    ]


def test_findings_reach_the_sinks_and_the_run_folder(logs: Path) -> None:
    """Both have the same events when the run has ended."""
    memory = MemorySink()
    with TrainingMonitor(logs, session_name="run", settings=LOOKING, sinks=[memory]) as training:
        for step in range(30):
            training.log_training_step(step, math.nan, 0.5, 1.0)
    kept = [event for event in training.run.records("events") if event.kind == "finding"]

    assert [event.code for event in kept] == ["non-finite"]
    assert kept == [record for record in memory.records if isinstance(record, Event) and record.kind == "finding"]


def test_a_resumed_run_does_not_repeat_its_findings(logs: Path) -> None:
    """Open findings are not recorded again, and the diagnosis covers the whole run."""
    for first in (0, 30):
        with TrainingMonitor(logs, session_name="run", settings=LOOKING, resume="allow") as training:
            for step in range(first, first + 30):
                training.log_training_step(step, math.nan, 0.5, 1.0, env_step=step)
    kept = [event for event in training.run.records("events") if event.kind == "finding"]

    assert [event.code for event in kept] == ["non-finite"]
    assert training.diagnosis().env_step == 59


def test_after_a_rewind_the_diagnosis_excludes_the_abandoned_branch(logs: Path) -> None:
    """A NaN in the abandoned branch causes no finding."""
    with TrainingMonitor(logs, session_name="run", settings=LOOKING) as training:
        for step in range(30):
            training.log_training_step(step, 0.1 if step < 20 else math.nan, 0.5, 1.0, env_step=step)
        assert training.validate_metrics()["checks"]["metric_validity"]["status"] == "critical"
        training.rewind(env_step=15)
        for step in range(16, 30):
            training.log_training_step(step, 0.1, 0.5, 1.0, env_step=step)

        assert "non-finite" not in {finding.code for finding in training.diagnosis().findings}


def test_after_a_rewind_milestones_exclude_the_abandoned_branch(tmp_path: Path) -> None:
    """The best mean and the first success of the abandoned branch no longer count."""
    clock = ManualClock(1_000.0)
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    with TrainingMonitor(tmp_path, settings=settings) as monitor:
        live = LiveDiagnosis(monitor._recorder.write, Context, Run(monitor.path), clock=clock, interval_s=5.0)

        def train(episodes: range, best: float) -> list[tuple[str | None, int | None]]:
            for number in episodes:
                reward = best if number >= 200 else 0.0
                live.write(monitor.log_episode(number, reward, 1, success=number == 250, env_step=number))
            clock.advance(5.0)
            live.evaluate()
            return [(event.code, event.episode) for event in monitor.run.records("events")]

        before = train(range(300), 10.0)
        monitor.rewind(env_step=150)
        live.write(Event(time=1.0, kind="rewind", message="back", data={"episodes": 151}))
        after = train(range(151, 400), 5.0)

    assert ("first-success", 250) in before
    assert ("new-best", 299) in before
    assert ("first-success", 250) in after
    assert ("new-best", 350) in after


@pytest.mark.parametrize("is_rewind", [True, False])
def test_milestones_before_a_checkpoint_are_recorded_after_the_return(tmp_path: Path, *, is_rewind: bool) -> None:
    """Milestones that no evaluation recorded before a rewind or a kill are found in the run folder."""
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    with TrainingMonitor(tmp_path, settings=settings) as monitor:
        said: list[Event] = []
        run = Run(monitor.path)
        clock = ManualClock(1_000.0)
        live = LiveDiagnosis(said.append, Context, run, clock=clock, interval_s=5.0)

        def train(episodes: range) -> None:
            for number in episodes:
                about = {"logo_type": "text"} if number < 2_900 else None
                live.write(
                    monitor.log_episode(number, 0.0, 1, success=number > 100, env_step=number, additional_info=about)
                )

        train(range(3_000))
        if is_rewind:
            monitor.rewind(env_step=2_900)
            live.write(Event(time=1.0, kind="rewind", message="back", data={"episodes": 2_901}))
        else:
            live = LiveDiagnosis(said.append, Context, run, clock=clock, interval_s=5.0, resumed=True)
        train(range(3_001, 3_002))
        live.close()

    reached = {event.code: event for event in said if event.kind == "milestone"}
    assert list(reached) == ["first-success", "category-mastered"]
    assert reached["first-success"].message == "Episode 101 is the first success."


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_category_is_not_mastered_at_the_level_of_a_baseline(tmp_path: Path, is_resumed: bool) -> None:
    """A baseline that succeeds as often as the agent prevents the milestone, also after the run is resumed."""
    settings = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
    with TrainingMonitor(tmp_path, settings=settings) as monitor:
        said: list[Event] = []
        clock, run = ManualClock(1_000.0), Run(monitor.path)
        live = LiveDiagnosis(said.append, Context, run, clock=clock, interval_s=5.0)
        live.write(monitor.log_evaluation(0, 0.0, None, 0.95, 40, policy="defaults"))
        if is_resumed:
            live = LiveDiagnosis(said.append, Context, run, clock=clock, interval_s=5.0, resumed=True)
        for at in range(200):
            live.write(Episode(time=1.0, episode=at, reward=0.0, length=1, success=at % 20 != 0, category="text"))
        live.close()

    assert [event.code for event in said if event.kind == "milestone"] == ["first-success"]


@pytest.mark.parametrize("record", ["episodes", "updates"])
def test_a_resumed_run_does_not_open_a_finding_twice(logs: Path, record: str) -> None:
    """This holds for findings from episodes and from updates."""
    for begin in (0, 40):
        with TrainingMonitor(logs, session_name="run", resume="allow", settings=LOOKING) as training:
            for at in range(begin, begin + 40):
                if record == "episodes":
                    training.log_episode(at, math.nan, 1, env_step=at)
                else:
                    training.log_training_step(at, math.nan, 0.5, 1.0, env_step=at)
    opened = [event.code for event in training.run.records("events") if event.kind == FINDING]

    assert opened.count("non-finite") == 1


def test_the_live_diagnosis_can_be_turned_off(monitor: Monitor) -> None:
    """The run is then diagnosed only on request."""
    with monitor(settings=RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)) as training:
        for step in range(30):
            training.log_training_step(step, math.nan, 0.5, 1.0)

        assert training.validate_metrics()["status"] == "critical"
    assert not [event for event in training.run.records("events") if event.kind == "finding"]


def test_a_signal_handler_can_request_a_diagnosis_during_a_diagnosis(tmp_path: Path) -> None:
    """It gets the previous diagnosis, at first an empty one, without waiting for the interrupted one."""
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as monitor:
        pass
    heard: list[Diagnosis] = []
    asking = threading.Event()

    def context() -> Context:
        if not asking.is_set():  # during a diagnosis, like a signal handler in the same thread
            asking.set()
            heard.append(live.diagnosis())
        return Context()

    live = LiveDiagnosis(lambda _: None, context, Run(monitor.path), clock=ManualClock(1_000.0), interval_s=5.0)
    for step in range(30):
        live.write(update(step, math.nan))
    asked = threading.Thread(target=lambda: heard.append(live.diagnosis()), daemon=True)
    asked.start()
    asked.join(30)

    assert [[finding.code for finding in diagnosis.findings] for diagnosis in heard] == [[], ["non-finite"]]


def test_very_many_records_are_diagnosed_from_the_run_folder(logs: Path) -> None:
    """Records of a fast replay that exceed the memory limit are read from the run folder."""
    with TrainingMonitor(logs, session_name="run", settings=LOOKING) as training:
        for step in range(12_000):
            training.log_training_step(step, 0.1 if step < 11_000 else math.nan, 0.5, 1.0, env_step=step)
        live = training.diagnosis()

    assert (live.env_step, [finding.code for finding in live.findings]) == (11_999, ["non-finite"])
    assert training.diagnosis() == open_run(training.path).diagnosis()


def test_records_dropped_by_a_full_queue_are_read_from_the_run_folder(tmp_path: Path) -> None:
    """The folder is read when the number of missed records increases."""
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as monitor:
        for step in range(30):
            monitor.log_training_step(step, math.nan, 0.5, 1.0, env_step=step)
    missed = 0
    live = LiveDiagnosis(
        lambda _: None,
        Context,
        Run(monitor.path),
        clock=ManualClock(1_000.0),
        interval_s=5.0,
        missed=lambda: missed,
    )
    before = live.diagnosis()
    missed = 30

    assert (before.findings, [finding.code for finding in live.diagnosis().findings]) == ((), ["non-finite"])
