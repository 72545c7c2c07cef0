"""Names of files, classes and functions."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

Modules = dict[str, ast.Module]

BANNED = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
"""Words that do not describe the contents."""


FIXED = {"logo_type", "logo_types", "logo_type_performance", "logo_performance"}
"""Keys and parameters of the public interface. Records and all displayed texts use `category` instead."""


def pipeline_words(text: str) -> list[str]:
    """Return the words of a text that belong to vtracer_gym."""
    return [word for word in re.findall(r"\w*(?:logos?|vtracer)(?![a-z])\w*", text, re.IGNORECASE) if word not in FIXED]


def banned_words(name: str) -> set[str]:
    """Return the banned words in a name, in any case."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {word.lower() for word in words} & BANNED


def test_file_names_describe_their_contents(root: Path) -> None:
    """No file or folder of the repository has a banned word such as utils in its name."""

    folders = [root / name for name in ("src", "packages", "tests", "bench", "examples", "docs")]
    paths = [
        path.relative_to(root) for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts
    ]
    assert paths
    assert [str(path) for path in paths if banned_words(path.stem)] == []


def test_the_monitor_does_not_mention_the_pipeline(root: Path) -> None:
    """Its source mentions neither `vtracer` nor logos, except in fixed names of its public interface."""

    spoken = [
        f"{path.relative_to(root)}: {word}"
        for path in sorted((root / "src" / "rlvitals").rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
        for word in pipeline_words(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert spoken == []


def test_class_and_function_names_describe_their_purpose(modules: Modules) -> None:
    """No class or function has a banned word in its name."""

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
def test_a_banned_name_is_detected(name: str, found: set[str]) -> None:
    """A banned word is detected in any case, but not as the beginning of a longer word."""

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
def test_a_word_of_the_pipeline_is_detected(text: str, found: list[str]) -> None:
    """A word is detected in code and prose in any case, but not inside another word or a fixed key."""

    assert pipeline_words(text) == found


def repeated(places: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Return names that occur in more than one place, with their places."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, place in places:
        found[name].append(place)
    return {name: sorted(where) for name, where in found.items() if len(where) > 1}


def own(modules: Modules) -> Modules:
    """Return the modules of the monitor package."""
    return {name: tree for name, tree in modules.items() if name.partition(".")[0] == "rlvitals"}


def test_a_file_name_is_unique(root: Path) -> None:
    """Each file name is unique, except `__init__` and `__main__`, so that a search finds one file."""

    folder = root / "src" / "rlvitals"
    places = [
        (path.stem, str(path.relative_to(folder))) for path in folder.rglob("*.py") if not path.stem.startswith("__")
    ]
    assert places
    assert repeated(places) == {}


def test_a_class_name_is_unique(modules: Modules) -> None:
    """Each class name is unique, so that a search finds one class."""

    places = [
        (node.name, module)
        for module, tree in own(modules).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    ]
    assert places
    assert repeated(places) == {}


def test_a_repeated_name_is_detected() -> None:
    """A repeated name is reported with all its places."""

    assert repeated([("chart", "a/chart.py"), ("table", "a/table.py"), ("chart", "b/chart.py")]) == {
        "chart": ["a/chart.py", "b/chart.py"]
    }
