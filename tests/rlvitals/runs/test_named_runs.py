"""Opening of runs by path, name or pattern."""

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
    """Path and name select the same run."""
    monitor("run").close()

    assert run_named(name, LOGS).run_id == "run"


def test_a_run_is_found_by_name_in_a_subfolder(monitor: Monitor, logs: Path) -> None:
    """Each experiment can have a separate folder."""
    monitor("run").close()
    logs.rename(logs.parent / "moved")

    assert run_named("run", Path()).path == Path("moved/run")


def test_an_ambiguous_name_is_refused(monitor: Monitor, logs: Path) -> None:
    """The error lists both runs."""
    monitor("run").close()
    logs.rename(logs.parent / "one")
    monitor("run").close()
    logs.rename(logs.parent / "two")

    with pytest.raises(RunFormatError, match=r"2 runs are named 'run': one/run, two/run\. Pass the path of one run\."):
        run_named("run", Path())


def test_a_run_is_preferred_to_another_folder_with_its_name(monitor: Monitor, tmp_path: Path) -> None:
    """A folder in the working directory that is not a run can have the name of a run."""
    monitor("run").close()
    (tmp_path / "run").mkdir()

    assert run_named("run", LOGS).path == Path("logs/run")


def test_a_folder_of_runs_is_refused_as_a_run(monitor: Monitor) -> None:
    """The error lists the runs in the folder."""
    for number in range(7):
        monitor(f"run-{number}").close()

    with pytest.raises(RunFormatError, match=r"logs is a folder of runs.*logs/run-0.*and 2 more"):
        run_named("logs", LOGS)


@pytest.mark.parametrize("name", ["", ".", "..", "nothing", "a/b", "/"])
def test_a_path_that_is_not_a_run_is_refused(logs: Path, name: str) -> None:
    """Unusual names raise an error too."""
    logs.mkdir()

    with pytest.raises((RunNotFoundError, RunFormatError)):
        run_named(name, LOGS)


def test_several_runs_are_opened_and_failures_are_returned(monitor: Monitor, logs: Path) -> None:
    """Names, paths and folders of runs can be combined."""
    for name in ("a", "b"):
        monitor(name).close()
    (logs / "bad").mkdir()
    (logs / "bad" / "run.json").write_text("{")
    runs, refused = runs_named(["a", "logs", "nothing"], LOGS)

    assert [run.run_id for run in runs] == ["a", "a", "b"]
    assert [name for name, _ in refused] == ["logs/bad", "nothing"]


@pytest.mark.parametrize("word", ["base-*", "logs/base-*", "base-[1]", "sub/../logs/base-?"])
def test_a_pattern_is_searched_in_the_working_directory_and_the_folder_of_runs(monitor: Monitor, word: str) -> None:
    """The pattern selects the only run that matches."""
    monitor("base-1").close()
    monitor("new-1").close()
    Path("sub").mkdir()
    Path("base-notes.txt").touch()  # matches too, but is not a run

    assert run_named(word, LOGS).run_id == "base-1"
    assert [run.run_id for run in runs_named([word], LOGS)[0]] == ["base-1"]


def test_an_ambiguous_pattern_is_refused_for_a_single_run(monitor: Monitor) -> None:
    """The error lists the matches. A command for several runs uses all of them."""
    monitor("base-1").close()
    monitor("base-2").close()

    with pytest.raises(
        RunFormatError, match=r"2 runs match 'base-\*': logs/base-1, logs/base-2\. Pass the path of one run\."
    ):
        run_named("base-*", LOGS)
    assert [run.run_id for run in runs_named(["base-*"], LOGS)[0]] == ["base-1", "base-2"]


def test_a_run_in_the_working_directory_is_preferred_to_one_in_the_folder_of_runs(monitor: Monitor, logs: Path) -> None:
    """This applies to names and patterns. A path selects one of the two runs."""
    monitor("run").close()
    (logs / "run").rename("run")
    monitor("run").close()

    assert run_named("run", LOGS).path == run_named("ru*", LOGS).path == Path("run")
    assert run_named("logs/run", LOGS).path == Path("logs/run")


@pytest.mark.parametrize("word", ["zzz", "zzz*"])
def test_the_error_for_a_missing_run_names_the_searched_folders(logs: Path, word: str) -> None:
    """The error also names the command that lists the runs."""
    logs.mkdir()
    said = f"in the working directory {Path.cwd()} or in logs. Run `rlvitals ls logs` to list runs."

    with pytest.raises(RunNotFoundError, match=said):
        run_named(word, LOGS)
    ((_, reason),) = runs_named([word], LOGS)[1]
    assert said in str(reason)


def test_a_pattern_finds_a_folder_of_runs(monitor: Monitor, logs: Path) -> None:
    """No match and several matches are refused."""
    monitor("run").close()
    logs.rename(logs.parent / "night-1")

    assert folder_named("night-*", LOGS) == Path("night-1")
    with pytest.raises(RunNotFoundError, match=r"no folder 'day-\*' in "):
        folder_named("day-*", LOGS)
    (logs.parent / "night-2").mkdir()
    with pytest.raises(RunFormatError, match="2 folders match"):
        folder_named("night-*", LOGS)
