"""The dependencies in `pyproject.toml`, and who needs them."""

import re
import tomllib
from pathlib import Path

import pytest

TOOLS = {"test"}
"""Extras that bring tools for this repository, which no file of the packages needs."""

_EXTRA = re.compile(r"^(?P<extra>[\w-]+) = \[")
_PATH = re.compile(r"[\w./]+(?:\.py|/)(?![\w.])")


def wrong_comments(pyproject: str, source: Path) -> list[str]:
    """The lines that bring a dependency of an extra without naming a file that exists and needs it.

    Args:
        pyproject: The file's text.
        source: The folder of the packages.
    """
    wrong: list[str] = []
    _, _, section = pyproject.partition("[project.optional-dependencies]\n")
    extra, of_extra = "", ""
    for line in section.partition("\n[")[0].splitlines():
        code, _, comment = line.partition("#")
        begins = _EXTRA.match(line)
        if begins:
            extra, of_extra = begins["extra"], comment
        if extra in TOOLS or '"' not in code:
            continue
        if not _PATH.search(comment):
            comment = of_extra  # one for all, on the extra's first line
        paths = _PATH.findall(comment)
        missing = [path for path in paths if not (source / path).exists()]
        if not paths or (missing and "planned" not in comment):
            wrong.append(line.strip())
    return wrong


def test_every_extra_names_the_file_that_needs_it(root: Path) -> None:
    """Beside each dependency of an extra stands a file that exists, or a folder that is noted as planned."""

    assert wrong_comments((root / "pyproject.toml").read_text(encoding="utf-8"), root / "src") == []


def test_every_core_dependency_names_what_needs_it(root: Path) -> None:
    """The core dependencies but numpy, which is everywhere, say where they are used."""

    _, _, section = (root / "pyproject.toml").read_text(encoding="utf-8").partition("\ndependencies = [\n")
    lines = [line for line in section.partition("\n]")[0].splitlines() if not line.lstrip().startswith('"numpy')]
    assert lines
    for line in lines:
        paths = _PATH.findall(line.partition("#")[2])
        assert paths, line
        assert all((root / "src" / "rlvitals" / path).exists() for path in paths), line


def test_the_entry_points_lead_somewhere(root: Path) -> None:
    """Each command, sink, exporter, importer, ... that the distribution offers is a module that exists."""

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = [project["scripts"], *project["entry-points"].values()]
    targets = [(name, target) for group in groups for name, target in group.items()]
    assert targets
    for name, target in targets:
        path = root / "src" / target.partition(":")[0].replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), name


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('sb3 = ["stable-baselines3>=2.4"]  # rlvitals/sb3.py', False),
        ('sb3 = ["stable-baselines3>=2.4"]', True),
        ('sb3 = ["stable-baselines3>=2.4"]  # rlvitals/gone.py', True),
        ('sb3 = [\n  "stable-baselines3>=2.4",  # for training\n]', True),
        ('sb3 = [  # rlvitals/sb3.py\n  "stable-baselines3>=2.4",\n  "torch",\n]', False),
        ('ui = ["starlette"]  # rlvitals/dashboard/ (planned)', False),
        ('test = ["pytest"]', False),
    ],
)
def test_a_dependency_without_its_file_is_found(tmp_path: Path, line: str, wrong: bool) -> None:
    """A missing comment, a file that is gone, a comment that names none."""

    (tmp_path / "rlvitals").mkdir()
    (tmp_path / "rlvitals" / "sb3.py").touch()
    text = f'[project]\nname = "x"\n\n[project.optional-dependencies]\n{line}\n\n[tool.ruff]\nselect = ["ALL"]\n'
    assert bool(wrong_comments(text, tmp_path)) is wrong


def test_the_lowest_versions_are_those_that_are_declared(root: Path) -> None:
    """`make lowest` tests what `pyproject.toml` promises: each minimum is pinned in `constraints-lowest.txt`."""

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = (declared for extra, declared in project["optional-dependencies"].items() if extra not in TOOLS)
    declared = {
        line for lines in (project["dependencies"], *extras) for line in lines if not line.startswith("rlvitals")
    }
    pins = (root / "constraints-lowest.txt").read_text(encoding="utf-8").lower().splitlines()
    pinned = dict(line.split("==") for line in pins if "==" in line)
    wrong = [
        line
        for name, _, lowest in (line.lower().partition(">=") for line in declared)
        if not (pinned.get(name.replace("_", "-")) or "").startswith(lowest)
        for line in [f"{name}>={lowest}"]
    ]
    assert wrong == []
    libraries = re.search(r"^LIBRARIES := (.*)$", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert libraries is not None
    assert sorted(libraries[1].split(",")) == sorted(project["optional-dependencies"].keys() - TOOLS)
