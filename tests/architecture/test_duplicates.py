"""No passage of code is repeated in the presentation half of the package."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

FOLDERS = ("documents", "render", "dashboard", "cli")
LONGEST = 5
"""Number of consecutive equal lines that two files can share."""
_DOCSTRING = re.compile(r'^\s*[rf]?""".*?"""', re.MULTILINE | re.DOTALL)
_IMPORTS = re.compile(r"^(from \S+ import \([^)]*\)|import \{[^}]*\} from .*)$", re.MULTILINE)
_COMMENTS = ("#", "//", "/*", "*")
_THIN = re.compile(r"[\W_]*|(from|import)\b.*|(try|else|return|pass|finally):?")
"""Lines without content: only punctuation, imports or keywords."""


def lines_of(text: str) -> list[tuple[int, str]]:
    """Return the relevant lines of a source with numbers, without blank lines, comments, docstrings and imports."""
    for pattern in (_DOCSTRING, _IMPORTS):
        text = pattern.sub(lambda found: "\n" * found[0].count("\n"), text)
    stripped = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return [(at, line) for at, line in stripped if not line.startswith(_COMMENTS) and not _THIN.fullmatch(line)]


def repeated(sources: Iterable[tuple[str, str]], size: int = LONGEST + 1) -> list[str]:
    """Return passages of that many lines in files of two folders, the first for each pair of files."""
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
    """Sources of the presentation half."""
    folders = [root / "src" / "rlvitals" / folder for folder in FOLDERS]
    paths = [path for folder in folders for ending in ("*.py", "*.js") for path in sorted(folder.rglob(ending))]
    assert len(paths) > 80
    return [(str(path.relative_to(root / "src" / "rlvitals")), path.read_text(encoding="utf-8")) for path in paths]


def test_no_six_lines_are_repeated_in_two_folders(presenting: list[tuple[str, str]]) -> None:
    """Code that two outputs share is a function of one of them, or of a lower layer."""
    assert repeated(presenting) == []


def test_a_copy_is_detected() -> None:
    """A copy is detected despite different blank lines, comments and indentation."""
    passage = "".join(f"value_{at} = compute({at})\n" for at in range(6))
    copy = "def f():\n" + "".join(f"    # why\n    {line}\n\n" for line in passage.splitlines())

    assert repeated([("cli/one.py", passage), ("render/two.py", copy)]) == ["cli/one.py:1 ~ render/two.py:3"]
    assert repeated([("cli/one.py", passage), ("render/two.py", passage.replace("3", "7"))]) == []
