"""Search for paths by path, name or pattern."""

import os
from pathlib import Path

import pytest

from rlvitals.errors import RunNotFoundError
from rlvitals.runs.header import Header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.search import LOGS, confined_to, places_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create runs with the same names in the working directory, in two folders of runs and below one of them."""
    monkeypatch.chdir(tmp_path)
    for name in ("a-1", "logs/a-1", "runs/a-1", "runs/deep/er/b-1", "runs/deep/b-2"):
        layout = Layout(Path(name))
        layout.make()
        write_header(layout, Header(run_id=Path(name).name, started=1.0))


@pytest.mark.parametrize("word", ["a-1", "a-*"])
def test_the_search_order_is_selected_folder_then_working_directory_then_default_folder(word: str) -> None:
    """The order is the same for names and patterns."""
    assert places_of(word, LOGS) == places_of(word) == [Path("a-1")]
    assert places_of(word, Path("runs")) == [Path("runs/a-1")]


@pytest.mark.parametrize("word", ["./a-1", "runs/../a-1", "ABSOLUTE/a-1"])
def test_a_path_is_not_searched_in_the_folder_of_runs(word: str) -> None:
    """A word with a leading dot, a leading slash or `..` is a path."""
    path = word.replace("ABSOLUTE", str(Path.cwd()))

    (found,) = places_of(path, Path("runs"))
    assert os.path.realpath(found) == str(Path.cwd() / "a-1")


@pytest.mark.parametrize("word", ["runs/a-1", "runs/a-?"])
def test_a_path_relative_to_the_working_directory_is_found_if_a_folder_is_selected(word: str) -> None:
    """A shell completes paths in this form."""
    assert places_of(word, Path("runs")) == [Path("runs/a-1")]


def test_names_and_patterns_find_runs_in_subfolders() -> None:
    """The search has the same depth as `ls`."""
    assert places_of("b-1", Path("runs")) == [Path("runs/deep/er/b-1")]
    assert places_of("b-*", Path("runs")) == [Path("runs/deep/b-2"), Path("runs/deep/er/b-1")]
    assert places_of("b-[!1]", Path("runs")) == [Path("runs/deep/b-2")]


def test_a_pattern_without_a_match_is_refused() -> None:
    """The error is the same for any folder of runs."""
    for folder in (None, LOGS, Path("runs"), Path("gone")):
        with pytest.raises(RunNotFoundError, match=r"no run matches 'z\*'"):
            places_of("z*", folder)


@pytest.mark.parametrize("word", ["ABSOLUTE/a-1", "ABSOLUTE/*", "logs/a-1", "runs/../a-1", "./a-1", "../*/logs/a-1"])
def test_a_path_outside_of_a_boundary_is_refused(word: str) -> None:
    """The error has the path, the boundary, and what to do."""
    path = word.replace("ABSOLUTE", str(Path.cwd()))

    with confined_to(Path("runs/deep")), pytest.raises(RunNotFoundError, match="is outside of the folder runs/deep"):
        places_of(path, Path("runs/deep"))


def test_a_path_inside_of_a_boundary_is_found() -> None:
    """A run with the same name outside of it is not taken instead, and a link in the folder is followed."""
    Path("runs/deep/link").symlink_to(Path("logs/a-1").absolute())
    with confined_to(LOGS):
        assert places_of("a-1", LOGS) == [Path("logs/a-1")]
    with confined_to(Path("runs")):
        assert places_of("runs/deep/b-2", Path("runs")) == [Path("runs/deep/b-2")]
        assert places_of(str(Path.cwd() / "runs"), Path("runs")) == [Path.cwd() / "runs"]
        assert places_of("link", Path("runs")) == [Path("runs/deep/link")]
    assert places_of("a-1", LOGS) == [Path("a-1")]
