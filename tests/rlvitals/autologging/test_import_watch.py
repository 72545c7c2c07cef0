"""Calls when a module is imported."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlvitals.autologging.import_watch import ImportWatch


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folder of modules. The import system is restored after a test."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "watched_one.py").write_text("import watched_two\nvalue = 1\n")
    (tmp_path / "watched_two.py").write_text("value = 2\n")
    (tmp_path / "watched_broken.py").write_text("raise ValueError('no')\n")
    before = list(sys.meta_path)
    yield tmp_path
    sys.meta_path[:] = before
    for name in [name for name in sys.modules if name.startswith("watched_")]:
        del sys.modules[name]


def test_the_function_is_called_after_the_module_has_run() -> None:
    """A module that it imports comes first. A second import does not call again."""
    values: list[tuple[str, int]] = []
    ImportWatch(["watched_one", "watched_two"], lambda name: values.append((name, sys.modules[name].value)))

    for _ in range(2):
        importlib.import_module("watched_one")

    assert values == [("watched_two", 2), ("watched_one", 1)]


def test_an_imported_module_has_its_own_loader() -> None:
    """Programs such as `pickle` and `inspect` look at it."""
    ImportWatch(["watched_two"], lambda _: None)
    module = importlib.import_module("watched_two")

    assert module.__spec__ is not None
    assert type(module.__spec__.loader) is type(module.__loader__)
    assert type(module.__loader__).__name__ == "SourceFileLoader"


def test_a_module_that_is_not_imported_yet_has_its_files(modules: Path) -> None:
    """`pkgutil.get_data` asks the loader of its specification."""
    ImportWatch(["watched_two"], lambda _: None)
    spec = importlib.util.find_spec("watched_two")

    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_data(str(modules / "watched_two.py")) == b"value = 2\n"  # type: ignore[attr-defined] # of a source file
    assert spec.loader.get_filename("watched_two") == str(modules / "watched_two.py")  # type: ignore[attr-defined] # the same


def test_an_error_of_the_function_does_not_reach_the_import(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("no")

    ImportWatch(["watched_two"], fail)

    assert importlib.import_module("watched_two").value == 2
    assert caplog.messages == ["autolog: watched_two could not be attached"]


def test_a_module_that_raises_raises_as_before() -> None:
    seen: list[str] = []
    ImportWatch(["watched_broken"], seen.append)

    with pytest.raises(ValueError, match="no"):
        importlib.import_module("watched_broken")
    assert seen == []


def test_a_missing_module_stays_missing() -> None:
    ImportWatch(["watched_missing"], lambda _: None)

    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("watched_missing")


def test_the_hook_is_removed_after_the_last_module() -> None:
    watch = ImportWatch(["watched_two"], lambda _: None)
    importlib.import_module("watched_two")

    assert watch not in sys.meta_path
