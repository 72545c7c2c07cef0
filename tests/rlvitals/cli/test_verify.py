"""`rlvitals verify`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]

FRAGMENT = '{"time": 1.0, "episo'


@pytest.fixture
def torn(monitor: Monitor) -> Path:
    """The episodes of a run that was killed while it wrote a record."""
    with monitor("torn") as training:
        for number in range(3):
            training.log_episode(number, 0.0, 1)
    episodes = training.path / "episodes" / "000001.jsonl"
    with episodes.open("a") as file:
        file.write(FRAGMENT)
    return episodes


def test_a_sound_run_is_counted(invoke: Invoke, monitor: Monitor) -> None:
    """Stream by stream."""
    with monitor() as training:
        training.log_episode(0, 0.0, 1)
        training.log_training_step(step=1)
    result = invoke("verify", "run")

    assert (result.exit_code, result.stdout) == (
        0,
        "logs/run  sound  4 records: episodes 1, updates 1, events 2\n",
    )


def test_a_torn_end_is_mended(invoke: Invoke, torn: Path) -> None:
    """It is cut off and kept aside; then the run is sound, and stays so."""
    result = invoke("verify", "torn")

    assert result.exit_code == 0
    assert "mended  torn-end  episodes/000001.jsonl: 20 bytes were truncated" in result.stdout
    assert FRAGMENT not in torn.read_text()
    assert torn.with_suffix(".torn").read_text() == FRAGMENT + "\n"
    assert "torn-end" not in invoke("verify", "torn").stdout


def test_a_check_changes_nothing(invoke: Invoke, torn: Path) -> None:
    """The exit code says that something is wrong."""
    before = {path: path.read_bytes() for path in torn.parents[1].rglob("*") if path.is_file()}
    result = invoke("verify", "torn", "--check")

    assert result.exit_code == 1
    assert "not mended  torn-end  episodes/000001.jsonl: its tail is torn" in result.stdout
    assert before == {path: path.read_bytes() for path in torn.parents[1].rglob("*") if path.is_file()}


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_a_live_run_is_left_alone(invoke: Invoke, monitor: Monitor, options: tuple[str, ...]) -> None:
    """The half of a line that is being written is no fault."""
    with monitor() as training:
        training.log_episode(0, 0.0, 1)
        episodes = training.path / "episodes" / "000001.jsonl"
        with episodes.open("a") as file:
            file.write(FRAGMENT)
        result = invoke("verify", "run", *options)
        content = episodes.read_text()

    assert result.exit_code == 0
    assert "being written" in result.stdout
    assert content.endswith(FRAGMENT)


def test_a_damaged_segment_is_told_and_cannot_be_mended(invoke: Invoke, invoke_json: InvokeJson, torn: Path) -> None:
    """The exit code is 1; what can be read is counted all the same."""
    (torn.parent / "000002.parquet").write_bytes(b"nonsense")
    result = invoke("verify", "torn")

    assert result.exit_code == 1
    assert "not mended  damaged-segment  episodes/000002.parquet" in result.stdout
    assert invoke_json("verify", "torn")["runs"][0]["counts"]["episodes"] == 3


def test_the_runs_of_a_folder_are_all_verified(invoke: Invoke, monitor: Monitor, torn: Path) -> None:
    """One that is torn does not hide the next."""
    monitor("whole").close()
    result = invoke("verify", "logs", "--check")

    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("logs")] == [
        [str(torn.parents[1].relative_to(Path.cwd())), "unsound"],
        ["logs/whole", "sound"],
    ]


def test_a_run_that_cannot_be_opened_does_not_hide_the_others(invoke: Invoke, monitor: Monitor) -> None:
    """It is told on standard error, and the exit code is 2."""
    monitor("whole").close()
    result = invoke("verify", "nothing", "whole")

    assert result.exit_code == 2
    assert result.stdout.startswith("logs/whole  sound")
    assert result.stderr.startswith("rlvitals: no run 'nothing'")


def test_a_folder_that_takes_no_lock_is_only_looked_at(invoke: Invoke, torn: Path) -> None:
    """As on a disk that can only be read."""
    lock = torn.parents[1] / "writer.lock"
    lock.unlink()
    lock.mkdir()
    result = invoke("verify", "torn")

    assert result.exit_code == 1
    assert "not mended  torn-end" in result.stdout
    assert torn.read_text().endswith(FRAGMENT)


def test_json_is_one_strict_document(invoke_json: InvokeJson, torn: Path) -> None:
    """With what was refused in it too."""
    document = invoke_json("verify", "torn", "nothing", "--check")
    (run,) = document["runs"]

    assert (run["sound"], run["live"], run["counts"]["episodes"]) == (False, False, 3)
    assert run["path"] == str(torn.parents[1].absolute())
    assert run["faults"] == [
        {"code": "torn-end", "path": "episodes/000001.jsonl", "message": "its tail is torn", "mended": False}
    ]
    assert [refused["path"] for refused in document["refused"]] == ["nothing"]


@pytest.mark.parametrize("stream", ["episodes", "evaluations"])
def test_a_stream_that_was_removed_is_missed(invoke: Invoke, monitor: Monitor, stream: str) -> None:
    """With what is known of it; and every other command still reads the run."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1, env_step=1)
        training.log_evaluation(0, 1.0, 0.5, 0.5)
    shutil.rmtree(training.path / stream)
    result = invoke("verify", "run")

    assert result.exit_code == 1
    assert f"not mended  folder-missing  {stream}" in result.stdout
    assert ("1 record missing: run.json counts 1" in result.stdout) == (stream == "episodes")
    assert [invoke(command, "run").exit_code for command in ("show", "stats", "check", "watch", "tail")] == [0] * 5


def test_an_empty_folder_that_a_copy_left_out_is_no_fault(invoke: Invoke, monitor: Monitor) -> None:
    """As git and some archives do: all that was written is there."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1, env_step=1)
    (training.path / "evaluations").rmdir()

    assert invoke("verify", "run").exit_code == 0


def test_records_of_any_stream_are_missed(invoke: Invoke, monitor: Monitor) -> None:
    """The last sign of life counts all that a session wrote."""
    with monitor() as training:
        training.log_evaluation(0, 1.0, 0.5, 0.5)
    (training.path / "evaluations" / "000001.jsonl").unlink()
    result = invoke("verify", "run")

    assert result.exit_code == 1
    assert "records-missing  .: 1 record missing: writer.lock counts 3" in result.stdout


def went_back(monitor: Monitor) -> Path:
    """The folder of a run of four episodes that went back to the second, and on to a third."""
    with monitor() as training:
        for number in range(4):
            training.log_episode(number, 1.0, 1, env_step=number)
        training.rewind(env_step=1)
        training.log_episode(2, 1.0, 1, env_step=2)
    return training.path


def test_a_run_that_went_back_lacks_nothing(invoke: Invoke, monitor: Monitor) -> None:
    """The header counts the branch that goes on; the other one is still there."""
    went_back(monitor)

    assert invoke("verify", "run").exit_code == 0


def test_what_a_rewind_left_behind_does_not_stand_in_for_what_is_missing(invoke: Invoke, monitor: Monitor) -> None:
    """Three episodes are on the branch that goes on; the last of them is removed, and four lines are left."""
    lines = went_back(monitor) / "episodes" / "000001.jsonl"
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[:-1]))

    assert "run.json counts 3, but 2 exist" in invoke("verify", "run").stdout
