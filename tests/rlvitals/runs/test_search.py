"""What a user means by a word."""

import os
from pathlib import Path

import pytest

from rlvitals.errors import RunNotFoundError
from rlvitals.runs.header import Header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.runs.search import LOGS, places_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same names in the working directory, in two folders of runs and below one of them."""
    monkeypatch.chdir(tmp_path)
    for name in ("a-1", "logs/a-1", "runs/a-1", "runs/deep/er/b-1", "runs/deep/b-2"):
        layout = Layout(Path(name))
        layout.make()
        write_header(layout, Header(run_id=Path(name).name, started=1.0))


@pytest.mark.parametrize("word", ["a-1", "a-*"])
def test_the_working_directory_comes_before_the_usual_folder_and_behind_one_that_was_named(word: str) -> None:
    """By name and by pattern."""
    assert places_of(word, LOGS) == places_of(word) == [Path("a-1")]
    assert places_of(word, Path("runs")) == [Path("runs/a-1")]


@pytest.mark.parametrize("word", ["./a-1", "runs/../a-1", "ABSOLUTE/a-1"])
def test_a_path_is_a_path_whatever_the_folder(word: str) -> None:
    """A dot in front, two dots in it or a slash in front make a path of a name."""
    path = word.replace("ABSOLUTE", str(Path.cwd()))

    (found,) = places_of(path, Path("runs"))
    assert os.path.realpath(found) == str(Path.cwd() / "a-1")


@pytest.mark.parametrize("word", ["runs/a-1", "runs/a-?"])
def test_a_path_from_here_is_found_though_a_folder_was_named(word: str) -> None:
    """As a shell completes it."""
    assert places_of(word, Path("runs")) == [Path("runs/a-1")]


def test_names_and_patterns_find_runs_in_folders_below() -> None:
    """At any depth at which `ls` lists them."""
    assert places_of("b-1", Path("runs")) == [Path("runs/deep/er/b-1")]
    assert places_of("b-*", Path("runs")) == [Path("runs/deep/b-2"), Path("runs/deep/er/b-1")]
    assert places_of("b-[!1]", Path("runs")) == [Path("runs/deep/b-2")]


def test_what_matches_nothing_is_refused() -> None:
    """Whichever folder was named."""
    for folder in (None, LOGS, Path("runs"), Path("gone")):
        with pytest.raises(RunNotFoundError, match=r"no run at z\*"):
            places_of("z*", folder)
