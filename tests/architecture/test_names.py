"""What things are called."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

Modules = dict[str, ast.Module]

BANNED = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
"""Names that say nothing of what is inside."""


FIXED = {"logo_type", "logo_types", "logo_type_performance", "logo_performance"}
"""Keys and parameters of the public interface; records and everything shown have `category` instead."""


def pipeline_words(text: str) -> list[str]:
    """The words of a text that belong to vtracer_gym."""
    return [word for word in re.findall(r"\w*(?:logos?|vtracer)(?![a-z])\w*", text, re.IGNORECASE) if word not in FIXED]


def banned_words(name: str) -> set[str]:
    """The words of a name, in whatever case it is written, that say nothing."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {word.lower() for word in words} & BANNED


def test_files_are_named_for_what_is_in_them(root: Path) -> None:
    """No file or folder of ours is called utils, helpers, common or manager."""

    folders = [root / name for name in ("src", "packages", "tests", "bench", "examples", "docs")]
    paths = [
        path.relative_to(root) for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts
    ]
    assert paths
    assert [str(path) for path in paths if banned_words(path.stem)] == []


def test_the_monitor_speaks_of_no_pipeline(root: Path) -> None:
    """Neither `vtracer` nor a logo is in its source, but for the names that its public interface fixes."""

    spoken = [
        f"{path.relative_to(root)}: {word}"
        for path in sorted((root / "src" / "rlvitals").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for word in pipeline_words(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert spoken == []


def test_classes_and_functions_are_named_for_what_they_do(modules: Modules) -> None:
    """Neither is any class or function."""

    named = [
        f"{module}.{node.name}"
        for module, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and banned_words(node.name)
    ]
    assert named == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("string_utils", {"utils"}),
        ("RunManager", {"manager"}),
        ("HTTPHelper", {"helper"}),
        ("common", {"common"}),
        ("commonly_used", set()),
        ("manage", set()),
        ("TerminalSink", set()),
    ],
)
def test_such_a_name_is_found(name: str, found: set[str]) -> None:
    """As a word of a name in either case; a word that merely begins so is let be."""

    assert banned_words(name) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('project_name: str = "vtracer-rl-optimization"', ["vtracer"]),
        ("rows by logo_type, each logo's own", ["logo"]),
        ("import vtracer_gym  # Logos", ["vtracer_gym", "Logos"]),
        ('"logo_type_performance": by_category, "logo_performance"', []),
        ("a catalogue, a logotype", []),
    ],
)
def test_a_word_of_the_pipeline_is_found(text: str, found: list[str]) -> None:
    """In code and in prose, in either case; not as a part of another word, nor in a fixed key."""

    assert pipeline_words(text) == found


def repeated(places: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Names that stand in more than one place, with their places."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in places:
        found[name].append(place)
    return {name: sorted(where) for name, where in found.items() if len(where) > 1}


def own(modules: Modules) -> Modules:
    """The modules of the monitor's package."""
    return {name: tree for name, tree in modules.items() if name.partition(".")[0] == "rlvitals"}


def test_a_file_name_occurs_once(root: Path) -> None:
    """So that a search by a file's name finds one file; each package has its `__init__` and `__main__`."""

    folder = root / "src" / "rlvitals"
    places = [
        (path.stem, str(path.relative_to(folder))) for path in folder.rglob("*.py") if not path.stem.startswith("__")
    ]
    assert places
    assert repeated(places) == {}


def test_a_class_name_occurs_once(modules: Modules) -> None:
    """So that a search by a class's name finds one class."""

    places = [
        (node.name, module)
        for module, tree in own(modules).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    assert places
    assert repeated(places) == {}


def test_a_repeated_name_is_found() -> None:
    """With both of its places."""

    assert repeated([("chart", "a/chart.py"), ("table", "a/table.py"), ("chart", "b/chart.py")]) == {
        "chart": ["a/chart.py", "b/chart.py"]
    }
