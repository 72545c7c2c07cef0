"""Search for the runs in a folder."""

import shutil
from pathlib import Path

import pytest

from rlvitals.errors import RunFormatError, RunNotFoundError
from rlvitals.runs.catalogue import find_runs, newest_of, open_run, run_folders
from rlvitals.runs.header import Header, Writer, write_header
from rlvitals.runs.layout import Layout


def _make(path: Path) -> Path:
    layout = Layout(path)
    layout.make()
    write_header(layout, Header(run_id=path.name, started=1.0))
    return path


def test_runs_below_a_folder_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Runs in subfolders, and the folder itself if it is a run, are found. Hidden folders are skipped."""
    for name in ("b", "a", "deep/er/c", ".trash/d"):
        _make(tmp_path / name)

    runs, refused = find_runs(tmp_path)

    assert [run.run_id for run in runs] == ["a", "b", "c"]
    assert refused == []
    assert [run.run_id for run in find_runs(tmp_path / "a")[0]] == ["a"]


def test_a_damaged_run_does_not_hide_other_runs(tmp_path: Path) -> None:
    """The damaged run is returned with the reason."""
    _make(tmp_path / "a")
    (_make(tmp_path / "b") / "run.json").write_text("{")

    runs, refused = find_runs(tmp_path)

    assert [run.run_id for run in runs] == ["a"]
    assert [(path.name, type(error)) for path, error in refused] == [("b", RunFormatError)]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """A missing run folder and a missing folder of runs raise the same error."""
    with pytest.raises(RunNotFoundError):
        find_runs(tmp_path / "gone")
    with pytest.raises(RunNotFoundError):
        open_run(tmp_path / "gone")


def test_a_folder_without_runs_returns_no_runs(tmp_path: Path) -> None:
    """A file returns no runs either."""
    (tmp_path / "file").touch()

    assert find_runs(tmp_path) == find_runs(tmp_path / "file") == ([], [])


def test_an_unknown_stream_is_refused(tmp_path: Path) -> None:
    """The error lists the streams."""
    with pytest.raises(RunFormatError, match=r"unknown stream 'rewards'\. The streams are episodes, updates"):
        list(open_run(_make(tmp_path / "a")).records("rewards"))


def test_a_folder_that_is_removed_during_the_search_is_skipped(tmp_path: Path) -> None:
    """The remaining runs are found."""
    for name in ("a", "b", "c"):
        (tmp_path / name / "run").mkdir(parents=True)
        (tmp_path / name / "run" / "run.json").touch()
    folders = run_folders(tmp_path)
    first = next(folders)
    shutil.rmtree(tmp_path / "b")

    assert [first, *folders] == [tmp_path / "a" / "run", tmp_path / "c" / "run"]


def test_the_newest_run_is_the_one_that_was_started_or_resumed_last(tmp_path: Path) -> None:
    """Name, status and end time have no effect."""
    for name, starts, ended in [("a", [1.0, 9.0], None), ("b", [5.0], 100.0), ("c", [], None)]:
        layout = Layout(tmp_path / name)
        layout.make()
        writers = [Writer(writer=number, started=at, host="", pid=1) for number, at in enumerate(starts, start=1)]
        write_header(
            layout, Header(run_id=name, started=8.0 if not starts else starts[0], ended=ended, writers=writers)
        )
    runs, _ = find_runs(tmp_path)

    assert newest_of(runs).run_id == "a"
    assert newest_of(run for run in runs if run.run_id != "a").run_id == "c"
