"""The current release reads a run of format version 1 exactly. `make_v1.py` made the run, which must not change."""

import math
import re
from pathlib import Path

import pytest

from rlvitals import open_run
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.runs import Run, find_runs
from rlvitals.runs.totals import totals
from rlvitals.runs.verification import TORN_END, verify

FOLDER = Path(__file__).parent / "v1" / "ppo-logos"
START = 1_700_000_000.0
ABANDONED = Episode(time=START + 4, episode=3, reward=9.0, length=10, env_step=40, category="abandoned")

EPISODES: list[Record] = [
    Episode(
        time=START,
        episode=0,
        reward=1.5,
        length=10,
        env_step=10,
        termination_reason="max_steps",
        success=True,
        quality_initial=0.5,
        quality_final=0.75,
        quality_improvement=0.25,
        category="text",
        difficulty="hard",
        duration=0.125,
        memory=512.5,
        env_index=0,
        reward_parts={"quality": 1.25, "size": math.inf},
        parameters={"color_precision": 6, "stacked": True, "splice_threshold": 45.5, "mode": "spline"},
        algorithm={"entropy": 1.25, "policy_loss": math.nan},
        extra={"Loss": 1, "loss": 2.5, "mixed": "three", "flag": False, "big": 4611686018427387905},
        info={"logo": "ünïcode/logo 1.png", "none": None, "nan": math.nan, "deep": [{"a": [1, -math.inf]}]},
    ),
    Episode(time=START + 1, episode=1, reward=math.nan, length=10, env_step=20, success=False, extra={"mixed": 3}),
    Episode(
        time=START + 2,
        episode=1,
        reward=-math.inf,
        length=0,
        env_step=20,
        category="NaN",
        parameters={"mode": 7},
    ),
    Episode(
        time=START + 3,
        episode=2,
        reward=math.inf,
        length=10,
        env_step=30,
        reward_parts={"quality": math.nan},
    ),
    Episode(
        time=START + 5,
        writer=2,
        episode=3,
        reward=4.0,
        length=10,
        env_step=40,
        info={"nan": math.nan, "none": None},
    ),
    Episode(
        time=START + 6,
        writer=2,
        episode=2,
        reward=5.0,
        length=1,
        env_step=25,
        termination_reason="line\nbreak",
    ),
]
UPDATES: list[Record] = [
    PolicyUpdate(
        time=START,
        step=20,
        env_step=20,
        update=1,
        policy_loss=-0.015625,
        value_loss=0.5,
        entropy=1.25,
        kl_divergence=0.0078125,
        clip_fraction=0.125,
        explained_variance=-2.5,
        learning_rate=0.0003,
        gradient_norm=0.75,
        gradient_norm_max=1.5,
        gradient_norm_limit=0.5,
        clip_range=0.2,
        loss=0.234375,
        action_std=1.0,
        action_bound_fraction=0.0,
        advantage_mean=0.0625,
        advantage_std=1.5,
        value_mean=2.0,
        return_mean=2.25,
        return_std=1.75,
        reward_mean=0.25,
        epochs=9.5,
        duration=0.5,
        extra={"n_updates": 10},
    ),
    PolicyUpdate(
        time=START + 2,
        writer=2,
        step=40,
        env_step=40,
        policy_loss=math.nan,
        value_loss=math.inf,
        entropy=-math.inf,
    ),
]
EVALUATIONS: list[Record] = [
    Evaluation(
        time=START,
        episode=2,
        reward=3.5,
        quality=0.875,
        success_rate=0.5,
        episodes=4,
        env_step=30,
        policy="defaults",
        reward_std=0.25,
        quality_std=0.125,
        length=10.0,
        duration=1.5,
        extra={"unseen": True},
        categories={"text": {"quality": 0.75}},
        items={"a.png": {"quality": math.nan, "bytes": 1024}},
    ),
    Evaluation(time=START + 1, writer=2, episode=3, reward=math.nan),
]
SYSTEM: list[Record] = [
    SystemSample(
        time=START,
        env_step=10,
        episode=0,
        memory=512.5,
        memory_available=2048.0,
        cpu_percent=99.5,
        threads=7,
        gpu_utilization=12.5,
        gpu_memory=1024.0,
        env_steps_per_second=100.25,
        episodes_per_minute=601.5,
        extra={"fans": 2},
    ),
    SystemSample(time=START + 1, writer=2, env_step=40),
]
SCALARS: list[Record] = [
    Scalars(time=START, step=5, category="colours", values={"mean": 0.5, "name": "red", "many": True}),
    Scalars(
        time=START + 1,
        step=5,
        env_step=5,
        category="colours",
        values={"mean": math.inf, "name": 3, "count": 4},
    ),
    Scalars(time=START + 2, writer=2, step=3, category="late", values={}),
]
EVENTS: list[Record] = [
    Event(time=START, kind="state", message="started", severity="info"),
    Event(
        time=START + 2,
        writer=2,
        kind="rewind",
        message="went back to env_step 30",
        severity="info",
        env_step=30,
    ),
    Event(time=START + 3, writer=2, kind="note", message="“quoted”", episode=3, data={"nested": {"inf": math.inf}}),
]


@pytest.fixture
def run() -> Run:
    return open_run(FOLDER)


def plain(record: Record) -> dict[str, str]:
    """Return the values of a record in a form in which NaN equals NaN, 1 differs from 1.0, and dicts are unordered."""
    said = {name: getattr(record, name) for name in record.__struct_fields__}
    return {
        name: repr(sorted(value.items()) if isinstance(value, dict) else value)
        for name, value in said.items()
        if value is not None
    }


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ("episodes", EPISODES),
        ("updates", UPDATES),
        ("evaluations", EVALUATIONS),
        ("system", SYSTEM),
        ("scalars", SCALARS),
        ("events", EVENTS),
    ],
)
def test_every_record_is_read(run: Run, stream: str, expected: list[Record]) -> None:
    """Each stream is read as written: sealed and open, NaN, infinite and absent, without the abandoned branch."""

    assert [plain(record) for record in run.records(stream)] == [plain(record) for record in expected]


def test_the_abandoned_branch_is_kept(run: Run) -> None:
    """Records that a rewind abandoned are available on request, in their original position."""

    everything = [plain(record) for record in run.records("episodes", abandoned=True)]
    assert everything == [plain(record) for record in (*EPISODES[:4], ABANDONED, *EPISODES[4:])]
    assert [len(list(run.records(name, abandoned=True))) for name in ("updates", "events")] == [3, 4]


def test_the_header_is_read(run: Run) -> None:
    """All facts in the header are read, including the rewind and the failure."""

    header = run.header
    assert (header.version, header.run_id, header.project) == (1, "ppo-logos", "vtracer-rl-optimization")
    assert (header.status, header.started, header.ended) == ("failed", START, START + 100)
    assert header.configuration == {"learning_rate": 0.0003, "target_kl": "NaN", "net": [64, 64]}
    assert header.reproduction["git"] == {"commit": "0" * 40, "dirty": True}
    assert header.totals == {"episodes": 6, "successes": 1, "updates": 2, "env_step": 40}
    assert (header.dropped_records, header.tags) == ({"records": 1}, ["golden", "v1"])
    assert header.goals == {"total_timesteps": 40.0, "target": 9.5}
    assert header.failure is not None
    assert (header.failure.type, header.failure.message) == ("ValueError", "the loss is NaN")
    assert header.failure.traceback == "Traceback: of version 1\n"


def test_the_writers_are_read(run: Run) -> None:
    """The times of both writers and the rewind of the second one are read."""

    first, second = run.header.writers
    assert (first.writer, first.started, first.ended, first.host, first.pid) == (1, START, START + 50, "golden", 1)
    assert first.rewind is None
    assert (second.writer, second.status) == (2, "failed")
    assert second.rewind is not None
    assert (second.rewind.env_step, second.rewind.episode, second.rewind.step) == (30, None, None)


def test_records_are_counted(run: Run) -> None:
    """The current branch has six episodes, one of them successful, and two updates."""

    counted = totals(run)
    assert (counted.episodes, counted.successes, counted.updates) == (6, 1, 2)
    assert (counted.last_episode, counted.env_step) == (3, 40)


def test_the_failed_run_is_found(run: Run) -> None:
    """The run is found below its folder, it has failed, and its last heartbeat is read."""

    runs, refused = find_runs(FOLDER.parent)
    assert ([found.run_id for found in runs], refused) == (["ppo-logos"], [])
    vitality = run.vitality()
    assert vitality.status == "failed"
    assert vitality.heartbeat is not None
    assert (vitality.heartbeat.beat, vitality.heartbeat.records) == (START + 100, 21)


def test_its_torn_tail_is_reported(run: Run) -> None:
    """Only the incomplete record at the end of one stream is reported."""

    verdict = verify(run)
    assert verdict.counts == {
        "episodes": 7,
        "updates": 3,
        "evaluations": 2,
        "system": 2,
        "scalars": 3,
        "events": 4,
    }
    assert [(fault.code, fault.path.parent.name) for fault in verdict.faults] == [(TORN_END, "system")]


def test_it_contains_no_facts_of_a_machine() -> None:
    """The run contains no folder, host or package list of the machine that made it."""

    content = b"".join(path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file())
    assert set(re.findall(rb'"host": ?"(.*?)"', content)) == {b"golden"}
    assert re.findall(rb'"/\w+|site-packages|"packages"|"platform"|"folder"', content) == []
