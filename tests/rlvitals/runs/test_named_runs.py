"""The runs that a user names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import RunFormatError, RunNotFoundError
from rlvitals.runs.named_runs import folder_named, run_named, runs_named
from rlvitals.runs.search import LOGS

Monitor = Callable[..., TrainingMonitor]


@pytest.mark.parametrize("name", ["logs/run", "run", "./logs/run/"])
def test_a_run_is_opened_by_its_path_and_by_its_name(monitor: Monitor, name: str) -> None:
    """Both lead to the same run."""
    monitor("run").close()

    assert run_named(name, LOGS).run_id == "run"


def test_a_run_is_found_by_name_in_a_folder_below(monitor: Monitor, logs: Path) -> None:
    """As it is where each experiment has a folder of its own."""
    monitor("run").close()
    logs.rename(logs.parent / "moved")

    assert run_named("run", Path()).path == Path("moved/run")


def test_a_name_that_two_runs_have_is_refused_with_both(monitor: Monitor, logs: Path) -> None:
    """Rather than showing one of them."""
    monitor("run").close()
    logs.rename(logs.parent / "one")
    monitor("run").close()
    logs.rename(logs.parent / "two")

    with pytest.raises(RunFormatError, match=r"2 runs are named run: one/run, two/run"):
        run_named("run", Path())


def test_a_run_by_that_name_is_preferred_to_a_folder_that_is_none(monitor: Monitor, tmp_path: Path) -> None:
    """A folder of the user's own may have a run's name."""
    monitor("run").close()
    (tmp_path / "run").mkdir()

    assert run_named("run", LOGS).path == Path("logs/run")


def test_a_folder_of_runs_is_no_run_but_says_which_it_holds(monitor: Monitor) -> None:
    """So that the next command is the right one."""
    for number in range(7):
        monitor(f"run-{number}").close()

    with pytest.raises(RunFormatError, match=r"logs is a folder of runs.*logs/run-0.*and 2 more"):
        run_named("logs", LOGS)


@pytest.mark.parametrize("name", ["", ".", "..", "nothing", "a/b", "/"])
def test_what_is_no_run_is_never_opened(logs: Path, name: str) -> None:
    """Odd names are names of no run."""
    logs.mkdir()

    with pytest.raises((RunNotFoundError, RunFormatError)):
        run_named(name, LOGS)


def test_many_are_opened_and_what_cannot_be_is_told(monitor: Monitor, logs: Path) -> None:
    """Runs by name, runs by path and folders of runs, in one go."""
    for name in ("a", "b"):
        monitor(name).close()
    (logs / "bad").mkdir()
    (logs / "bad" / "run.json").write_text("{")
    runs, refused = runs_named(["a", "logs", "nothing"], LOGS)

    assert [run.run_id for run in runs] == ["a", "a", "b"]
    assert [name for name, _ in refused] == ["logs/bad", "nothing"]


@pytest.mark.parametrize("word", ["base-*", "logs/base-*", "base-[1]", "sub/../logs/base-?"])
def test_a_pattern_is_looked_up_here_and_in_the_folder_of_runs(monitor: Monitor, word: str) -> None:
    """It names the one run that matches."""
    monitor("base-1").close()
    monitor("new-1").close()
    Path("sub").mkdir()
    Path("base-notes.txt").touch()  # matches too, and holds no run

    assert run_named(word, LOGS).run_id == "base-1"
    assert [run.run_id for run in runs_named([word], LOGS)[0]] == ["base-1"]


def test_a_pattern_for_one_run_that_several_match_is_refused_with_them(monitor: Monitor) -> None:
    """A command for several takes them all."""
    monitor("base-1").close()
    monitor("base-2").close()

    with pytest.raises(RunFormatError, match=r"2 runs match base-\*: logs/base-1, logs/base-2; give the path of one"):
        run_named("base-*", LOGS)
    assert [run.run_id for run in runs_named(["base-*"], LOGS)[0]] == ["base-1", "base-2"]


def test_a_run_here_is_preferred_to_one_of_that_name_in_the_folder(monitor: Monitor, logs: Path) -> None:
    """By name and by pattern; a path says which of the two is meant."""
    monitor("run").close()
    (logs / "run").rename("run")
    monitor("run").close()

    assert run_named("run", LOGS).path == run_named("ru*", LOGS).path == Path("run")
    assert run_named("logs/run", LOGS).path == Path("logs/run")


@pytest.mark.parametrize("word", ["zzz", "zzz*"])
def test_what_is_not_found_says_where_it_was_looked_for(logs: Path, word: str) -> None:
    """And which command lists the runs."""
    logs.mkdir()
    said = f"neither in the working directory {Path.cwd()} nor in logs: `rlvitals ls logs` lists the runs there"

    with pytest.raises(RunNotFoundError, match=said):
        run_named(word, LOGS)
    ((_, reason),) = runs_named([word], LOGS)[1]
    assert said in str(reason)


def test_a_pattern_finds_a_folder_of_runs(monitor: Monitor, logs: Path) -> None:
    """For a digest; several are refused, and none is told."""
    monitor("run").close()
    logs.rename(logs.parent / "night-1")

    assert folder_named("night-*", LOGS) == Path("night-1")
    with pytest.raises(RunNotFoundError, match=r"no folder day-\*, neither in"):
        folder_named("day-*", LOGS)
    (logs.parent / "night-2").mkdir()
    with pytest.raises(RunFormatError, match="2 folders match"):
        folder_named("night-*", LOGS)
