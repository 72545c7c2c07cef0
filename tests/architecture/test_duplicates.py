"""No passage of code stands twice in the presenting half of the package."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

FOLDERS = ("documents", "render", "dashboard", "cli")
LONGEST = 5
"""Equal lines in a row that two files may share."""
_DOCSTRING = re.compile(r'^\s*[rf]?""".*?"""', re.MULTILINE | re.DOTALL)
_IMPORTS = re.compile(r"^(from \S+ import \([^)]*\)|import \{[^}]*\} from .*)$", re.MULTILINE)
_COMMENTS = ("#", "//", "/*", "*")
_THIN = re.compile(r"[\W_]*|(from|import)\b.*|(try|else|return|pass|finally):?")
"""Lines that say nothing: punctuation, imports, keywords alone."""


def lines_of(text: str) -> list[tuple[int, str]]:
    """The lines of a source that count, with their numbers: no blank lines, comments, docstrings or imports."""
    for pattern in (_DOCSTRING, _IMPORTS):
        text = pattern.sub(lambda found: "\n" * found[0].count("\n"), text)
    stripped = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(at, line) for at, line in stripped if not line.startswith(_COMMENTS) and not _THIN.fullmatch(line)]


def repeated(sources: Iterable[tuple[str, str]], size: int = LONGEST + 1) -> list[str]:
    """Passages of so many lines that stand in files of two folders: the first of each pair of files."""
    seen: dict[tuple[str, ...], tuple[str, int]] = {}
    found: dict[tuple[str, str], str] = {}
    for name, text in sources:
        lines = lines_of(text)
        for start in range(len(lines) - size + 1):
            passage = lines[start : start + size]
            first, at = seen.setdefault(tuple(line for _, line in passage), (name, passage[0][0]))
            if first.partition("/")[0] != name.partition("/")[0]:
                found.setdefault((first, name), f"{first}:{at} ~ {name}:{passage[0][0]}")
    return sorted(found.values())


@pytest.fixture(scope="module")
def presenting(root: Path) -> list[tuple[str, str]]:
    """The sources of the presenting half."""
    folders = [root / "src" / "rlvitals" / folder for folder in FOLDERS]
    paths = [path for folder in folders for ending in ("*.py", "*.js") for path in sorted(folder.rglob(ending))]
    assert len(paths) > 80
    return [(str(path.relative_to(root / "src" / "rlvitals")), path.read_text(encoding="utf-8")) for path in paths]


def test_no_six_lines_stand_in_two_folders(presenting: list[tuple[str, str]]) -> None:
    """What two outputs share is a function of one of them, or of a layer below."""
    assert repeated(presenting) == []


def test_the_guard_sees_a_copy() -> None:
    """Also where blank lines, comments and indentation differ."""
    passage = "".join(f"value_{at} = compute({at})\n" for at in range(6))
    copy = "def f():\n" + "".join(f"    # why\n    {line}\n\n" for line in passage.splitlines())

    assert repeated([("cli/one.py", passage), ("render/two.py", copy)]) == ["cli/one.py:1 ~ render/two.py:3"]
    assert repeated([("cli/one.py", passage), ("render/two.py", passage.replace("3", "7"))]) == []
