"""Live copies of TensorBoard's event files."""

import os
import resource
import struct
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from rlvitals import TrainingMonitor
from rlvitals.adapters.event_mirror import FLUSH_S, IDLE_S, EventMirror, EventMirrors
from rlvitals.dashboard.run_registry import RunRegistry
from rlvitals.formats.importers.event_files import trainings_with_events
from rlvitals.formats.importers.run_import import import_run
from rlvitals.records import STREAMS
from rlvitals.runs import Run
from rlvitals.sinks.lazy_destination import load
from rlvitals.sinks.tensorboard_sink import EventFile
from rlvitals.testing.manual_clock import ManualClock

NAME = "CartPole-v1__ppo__1__1700000000"


def write_updates(writer: SummaryWriter, steps: range, *, time: float | None = None) -> None:
    """Write an update for each step, all at a time, by default now."""
    for step in steps:
        writer.add_scalar("losses/policy_loss", -0.5, step, walltime=time)
        writer.add_scalar("losses/entropy", 0.25, step, walltime=time)
    writer.flush()


@pytest.fixture
def writer(tmp_path: Path) -> SummaryWriter:
    """A writer whose training goes on."""
    return SummaryWriter(tmp_path / "runs" / NAME)


def steps_of(run: Run) -> list[int]:
    return [update.step for update in run.records("updates")]


def test_a_copy_grows_with_the_files(tmp_path: Path, writer: SummaryWriter) -> None:
    """The last step is complete when the next one begins."""
    write_updates(writer, range(1, 4))
    mirror = EventMirror(tmp_path / "runs" / NAME, tmp_path / "home")
    mirror.poll()
    before = steps_of(Run(mirror.path))
    write_updates(writer, range(4, 6))
    mirror.poll()

    assert (before, steps_of(Run(mirror.path))) == ([1, 2], [1, 2, 3, 4])
    assert Run(mirror.path).header.status == "running"
    mirror.close()
    writer.close()
    assert steps_of(Run(mirror.path)) == [1, 2, 3, 4, 5]


def test_a_copy_has_the_settings_of_the_training(tmp_path: Path, writer: SummaryWriter) -> None:
    """They are in the name of the folder and in the table of hyperparameters, which can come later."""
    write_updates(writer, range(1, 3))
    mirror = EventMirror(tmp_path / "runs" / NAME, tmp_path / "home")
    mirror.poll()
    writer.add_text("hyperparameters", "|param|value|\n|-|-|\n|learning_rate|0.1|")
    writer.close()
    mirror.poll()
    mirror.close()

    settings = Run(mirror.path).header.configuration
    assert (settings["env_id"], settings["seed"], settings["learning_rate"]) == ("CartPole-v1", 1, 0.1)


def test_a_training_without_new_events_ends(tmp_path: Path, writer: SummaryWriter) -> None:
    """The last step is recorded earlier."""
    write_updates(writer, range(1, 4), time=1_000.0)
    writer.close()
    folder = tmp_path / "runs" / NAME
    clock = ManualClock(1_000.0)
    mirror = EventMirror(folder, tmp_path / "home", clock=clock)
    mirror.poll()
    clock.advance(FLUSH_S + 1.0)
    mirror.poll()
    complete = steps_of(Run(mirror.path))
    clock.advance(IDLE_S)
    mirror.poll()

    assert complete == [1, 2, 3]
    assert Run(mirror.path).header.status == "completed"


def test_a_copy_has_the_facts_of_an_import(tmp_path: Path, writer: SummaryWriter) -> None:
    """The process that copies the files, its machine and its clock are not those of the training."""
    write_updates(writer, range(1, 3), time=1_000.0)
    write_updates(writer, range(3, 5), time=2_000.0)
    writer.close()
    folder = tmp_path / "runs" / NAME
    mirror = EventMirror(folder, tmp_path / "home", clock=ManualClock(9_000.0))
    while mirror.poll():
        pass
    copy, imported = Run(mirror.path), import_run(folder, tmp_path / "logs")

    for name in ("project", "status", "started", "ended", "configuration", "writers", "tags", "goals"):
        assert getattr(copy.header, name) == getattr(imported.header, name)
    assert (copy.header.started, copy.header.ended, copy.header.writers[0].host) == (1_000.0, 2_000.0, "")
    assert copy.header.reproduction == {"imported": {"path": str(folder), "format": "tensorboard"}}
    assert all([*copy.records(stream)] == [*imported.records(stream)] for stream in STREAMS)


def test_a_copy_runs_since_the_first_value(tmp_path: Path, writer: SummaryWriter) -> None:
    """Its status follows the age of the newest value."""
    write_updates(writer, range(1, 4), time=1_000.0)
    clock = ManualClock(1_000.0 + IDLE_S)
    mirror = EventMirror(tmp_path / "runs" / NAME, tmp_path / "home", clock=clock)
    mirror.poll()
    header = Run(mirror.path).header
    mirror.close()

    assert (header.status, header.started, header.ended) == ("running", 1_000.0, None)


def test_a_training_that_goes_on_after_a_pause_runs_again(tmp_path: Path, writer: SummaryWriter) -> None:
    """This also applies if the clock of its machine is behind."""
    clock = ManualClock(1_000.0)
    mirror = EventMirror(tmp_path / "runs" / NAME, tmp_path / "home", clock=clock)
    seen = []
    for steps in (range(1, 4), range(4, 6), range(0), range(6, 8)):
        clock.advance(0.0 if steps else IDLE_S + 1.0)
        write_updates(writer, steps, time=900.0 + steps.start)
        mirror.poll()
        header = Run(mirror.path).header
        seen.append((header.status, header.ended))
        mirror.poll()
    mirror.close()
    writer.close()

    assert seen == [("running", None), ("running", None), ("completed", 904.0), ("running", None)]
    assert steps_of(Run(mirror.path)) == [*range(1, 8)]


def test_rows_of_copies_are_in_the_order_of_their_starts(tmp_path: Path) -> None:
    """The order is the same at each start of the dashboard, in which the trainings are copied by name."""
    for name, time in (("a", 1_000.0), ("b", 3_000.0), ("c", 2_000.0), ("d", 2_000.0)):
        old_training(tmp_path / "runs" / name, time=time)
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=ManualClock(9_000.0))
    mirrors.poll()
    rows, _ = RunRegistry(tmp_path / "runs", mirrors=tmp_path / "home").rows()

    assert [row.key for row in rows] == ["b", "c", "d", "a"]


def test_parts_of_a_training_are_one_copy(tmp_path: Path) -> None:
    for part in ("train", "eval"):
        with SummaryWriter(tmp_path / "runs" / "a" / part) as writer:
            writer.add_scalar("losses/policy_loss", -0.5, 1)

    assert trainings_with_events(tmp_path / "runs") == [tmp_path / "runs" / "a"]


def test_a_training_above_others_is_a_copy_without_them(tmp_path: Path) -> None:
    for place in ("", "a", "b/eval"):
        with SummaryWriter(tmp_path / "runs" / place) as writer:
            writer.add_scalar(f"losses/{place or 'own'}", 0.5, 1)
    mirror = EventMirror(tmp_path / "runs", tmp_path / "home")
    mirror.poll()
    mirror.close()

    assert trainings_with_events(tmp_path / "runs") == [tmp_path / "runs" / place for place in ("", "a", "b")]
    assert [[*one.values] for one in Run(mirror.path).records("scalars")] == [["own"]]


def test_event_files_of_a_run_are_left_out(tmp_path: Path) -> None:
    with TrainingMonitor(tmp_path / "runs", session_name="a") as monitor, SummaryWriter(monitor.path / "tb") as writer:
        writer.add_scalar("a", 1.0, 1)

    assert trainings_with_events(tmp_path / "runs") == []


def test_a_file_that_only_has_the_name_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.1").write_text("text")

    assert trainings_with_events(tmp_path) == []


def test_new_trainings_are_found_later(tmp_path: Path, writer: SummaryWriter) -> None:
    clock = ManualClock(1_000.0)
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=clock)
    write_updates(writer, range(1, 3))
    mirrors.poll()
    with SummaryWriter(tmp_path / "runs" / "deep" / "b") as other:
        write_updates(other, range(1, 3))
    clock.advance(600.0)
    mirrors.poll()
    mirrors.close()
    writer.close()

    assert steps_of(Run(tmp_path / "home" / NAME)) == [1, 2]
    assert steps_of(Run(tmp_path / "home" / "deep" / "b")) == [1, 2]


def old_training(folder: Path, *, time: float = 1_000.0) -> Path:
    """Write a training that has ended, and return its file."""
    with SummaryWriter(folder) as writer:
        write_updates(writer, range(1, 4), time=time)
    (file,) = folder.iterdir()
    return file


def test_old_trainings_need_few_files_at_once(tmp_path: Path) -> None:
    """Each is read and ended before the next one is opened."""
    for number in range(12):
        old_training(tmp_path / "runs" / str(number))
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=ManualClock(1_000.0 + 2 * IDLE_S))
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 40, hard))
    try:
        mirrors.poll()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))

    runs = [Run(tmp_path / "home" / str(number)) for number in range(12)]
    assert [(steps_of(run), run.header.status) for run in runs] == [([1, 2, 3], "completed")] * 12


def test_a_damaged_file_leaves_the_other_trainings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An event whose checksum is right, and which is not an event."""
    masked_crc32c = load("tensorboard.compat.tensorflow_stub.pywrap_tensorflow").masked_crc32c
    content = b"\xff" * 8
    length = struct.pack("<Q", len(content))
    check, end = (struct.pack("<I", masked_crc32c(part)) for part in (length, content))
    with old_training(tmp_path / "runs" / "a").open("ab") as file:
        file.write(length + check + content + end)
    old_training(tmp_path / "runs" / "b")
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=ManualClock(1_000.0 + 2 * IDLE_S))
    mirrors.poll()

    assert steps_of(Run(tmp_path / "home" / "b")) == [1, 2, 3]
    assert Run(tmp_path / "home" / "a").header.status == "completed"
    assert [f"{tmp_path / 'runs' / 'a'} is no longer read" in message for message in caplog.messages] == [True]


def test_two_trainings_with_one_folder_are_two_copies(tmp_path: Path) -> None:
    """The last one grows."""
    folder = tmp_path / "runs" / NAME
    for started in (1_000.0, 2_000.0):
        file = EventFile(folder, started)
        for step in range(1, 4):
            file.scalars(started + step, step, {"losses/policy_loss": -0.5})
        if started < 2_000.0:
            file.close()
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=(clock := ManualClock(2_003.0)))
    mirrors.poll()
    file.scalars(2_004.0, 4, {"losses/policy_loss": -0.5})
    file.close()
    clock.advance(1.0)
    mirrors.poll()
    mirrors.close()

    copies = [Run(path) for path in sorted((tmp_path / "home").iterdir())]
    assert [(run.header.started, steps_of(run)) for run in copies] == [
        (1_001.0, [1, 2, 3]),
        (2_001.0, [1, 2, 3, 4]),
    ]


def test_a_script_that_runs_again_after_its_training_has_ended_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / NAME
    clock = ManualClock(1_003.0)
    mirrors = EventMirrors(tmp_path / "runs", tmp_path / "home", clock=clock)
    for started in (1_000.0, 3_000.0):
        file = EventFile(folder, started)
        for step in range(1, 4):
            file.scalars(started + step, step, {"losses/policy_loss": -0.5})
        file.close()
        clock.advance(started + IDLE_S + 10.0 - clock.time())
        mirrors.poll()
        mirrors.poll()
    mirrors.close()

    assert [Run(path).header.started for path in sorted((tmp_path / "home").iterdir())] == [1_001.0, 3_001.0]


def test_a_copy_and_an_import_agree_on_mean_lengths(tmp_path: Path) -> None:
    """The first mean length is a whole number by chance."""
    folder = tmp_path / "runs" / NAME
    file = EventFile(folder, 1_000.0)
    for step, length in enumerate((500.0, 487.25), 1):
        file.scalars(1_000.0 + step, step, {"charts/episodic_return": 1.0, "charts/episodic_length": length})
    file.close()
    mirror = EventMirror(folder, tmp_path / "home")
    mirror.poll()
    mirror.close()

    counts = [
        len(list(Run(path).records("episodes")))
        for path in (mirror.path, import_run(folder, tmp_path / "imports").path)
    ]
    assert counts == [0, 0]
