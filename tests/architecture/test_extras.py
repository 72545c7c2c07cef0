"""Dependencies in each `pyproject.toml`, and the files that need them."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import rlvitals
from vtracer_gym.requirements import REQUIREMENTS

TOOLS = {"docs", "test"}
"""Extras with tools for this repository, which no file of the packages needs."""

PROJECTS = (".", "packages/vtracer_gym")
"""Folders of the distributions in this repository."""

SEPARATE = {"trl", "tune"}
"""Heavy extras that `.venv` does not have. `make integrations` installs them into separate environments."""

_EXTRA = re.compile(r"^(?P<extra>[\w-]+) = \[")
_PATH = re.compile(r"[\w./]+(?:\.py|/)(?![\w.])")


def dependencies_in(pyproject: str) -> Iterator[tuple[str, str, str]]:
    """Yield each dependency of an extra: the extra, the line, and the comment that names the files that need it.

    Args:
        pyproject: Text of the file.
    """
    _, _, section = pyproject.partition("[project.optional-dependencies]\n")
    extra, of_extra = "", ""
    for line in section.partition("\n[")[0].splitlines():
        code, _, comment = line.partition("#")
        begins = _EXTRA.match(line)
        if begins:
            extra, of_extra = begins["extra"], comment
        if '"' in code:
            yield extra, line.strip(), comment if _PATH.search(comment) else of_extra


def wrong_comments(pyproject: str, source: Path) -> list[str]:
    """Return the lines of an extra's dependencies that do not name an existing file that needs them.

    Args:
        pyproject: Text of the file.
        source: Folder of the packages.
    """
    wrong: list[str] = []
    for extra, line, comment in dependencies_in(pyproject):
        paths = _PATH.findall(comment)
        missing = [path for path in paths if not (source / path).exists()]
        if extra not in TOOLS and (not paths or (missing and "planned" not in comment)):
            wrong.append(line)
    return wrong


def project_in(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def test_every_extra_names_the_file_that_needs_it(root: Path) -> None:
    """Each dependency of an extra names an existing file or a planned folder."""

    assert wrong_comments((root / "pyproject.toml").read_text(encoding="utf-8"), root / "src") == []


@pytest.mark.parametrize(("folder", "source"), [(".", "src/rlvitals"), ("packages/vtracer_gym", "src")])
def test_every_dependency_names_the_file_that_needs_it(root: Path, folder: str, source: str) -> None:
    """Every dependency except numpy, which is used everywhere, names the files that use it."""

    _, _, section = (root / folder / "pyproject.toml").read_text(encoding="utf-8").partition("\ndependencies = [\n")
    lines = [line for line in section.partition("\n]")[0].splitlines() if not line.lstrip().startswith('"numpy')]
    assert lines
    for line in lines:
        paths = _PATH.findall(line.partition("#")[2])
        assert paths, line
        assert all((root / folder / source / path).exists() for path in paths), line


def test_entry_points_refer_to_existing_modules(root: Path) -> None:
    """Each command, sink, exporter, importer, ... of a distribution refers to an existing module."""

    for folder in PROJECTS:
        project = project_in(root / folder)
        groups = [project["scripts"], *project.get("entry-points", {}).values()]
        targets = [(name, target) for group in groups for name, target in group.items()]
        assert targets
        for name, target in targets:
            path = root / folder / "src" / target.partition(":")[0].replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__init__.py").exists(), name


def test_both_distributions_have_the_same_release(root: Path) -> None:
    """They have the same version, as does the citation, and the same licence text; the changelog begins with it."""

    version = rlvitals.__version__
    assert project_in(root / "packages/vtracer_gym")["version"] == version
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[0] == version
    assert (root / "LICENSE").read_bytes() == (root / "packages/vtracer_gym/LICENSE").read_bytes()


def test_vtracer_gym_checks_for_its_declared_dependencies(root: Path) -> None:
    """The packages that it checks for before importing them are the dependencies of its distribution."""

    declared = {parts(line) for line in project_in(root / "packages/vtracer_gym")["dependencies"]}
    wanted: dict[str, frozenset[str]] = {}
    for name, extras in map(parts, REQUIREMENTS.values()):
        wanted[name] = wanted.get(name, frozenset()) | extras
    assert set(wanted.items()) == declared


def parts(requirement: str) -> tuple[str, frozenset[str]]:
    """Return the name and the extras of a requirement."""
    found = re.match(r"([\w-]+)(?:\[([\w,]+)\])?", requirement)
    assert found is not None
    return found[1], frozenset((found[2] or "").split(",")) - {""}


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
def test_a_dependency_without_a_file_is_detected(tmp_path: Path, line: str, wrong: bool) -> None:
    """A missing comment, a missing file and a comment without a file are detected."""

    (tmp_path / "rlvitals").mkdir()
    (tmp_path / "rlvitals" / "sb3.py").touch()
    text = f'[project]\nname = "x"\n\n[project.optional-dependencies]\n{line}\n\n[tool.ruff]\nselect = ["ALL"]\n'
    assert bool(wrong_comments(text, tmp_path)) is wrong


def test_the_lowest_versions_match_the_declared_ones(root: Path) -> None:
    """`make lowest` tests the declared minimums, which are pinned in `constraints-lowest.txt`."""

    extras = project_in(root)["optional-dependencies"]
    groups = [project_in(root / folder)["dependencies"] for folder in PROJECTS]
    groups += [lines for extra, lines in extras.items() if extra not in TOOLS | SEPARATE]
    declared = {line for lines in groups for line in lines if not line.startswith("rlvitals")}
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
    assert sorted(libraries[1].split(",")) == sorted(extras.keys() - TOOLS - SEPARATE)


ALONE = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"{name} belongs to another extra", name=name)

blocked, modules = map(set, (sys.argv[1].split(","), sys.argv[2].split(",")))
sys.meta_path.insert(0, Blocked())
for module in sorted(modules):
    importlib.import_module(module)
"""
"""Script that imports modules without some packages."""


def required(requirements: Iterable[str], found: dict[str, set[str]] | None = None) -> set[str]:
    """Return the names of the installed distributions that requirements need, directly or not."""
    found = {} if found is None else found
    for requirement in map(Requirement, requirements):
        name, extras = canonicalize_name(requirement.name), {"", *requirement.extras}
        known = found.setdefault(name, set())
        fresh = extras - known
        known |= fresh
        lines = (metadata.requires(name) or []) if fresh else []
        wanted = (line for line in lines for extra in fresh if _applies(Requirement(line), extra))
        required(wanted, found)
    return set(found)


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def modules_of(extra: str, pyproject: str, source: Path) -> set[str]:
    """Return the modules that the comments of an extra name, and those of the folders that they name."""
    comments = [comment for owner, _, comment in dependencies_in(pyproject) if owner == extra]
    named = [source / path for comment in comments for path in _PATH.findall(comment)]
    files = [file for path in named for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return {".".join(file.relative_to(source).with_suffix("").parts).removesuffix(".__init__") for file in files}


EXTRAS = sorted(project_in(Path(__file__).parents[2])["optional-dependencies"].keys() - TOOLS - SEPARATE)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_works_without_the_others(root: Path, extra: str) -> None:
    """The modules of an extra can be imported if only the packages that the extra installs are there."""

    project = project_in(root)
    available = required([*project["dependencies"], *project["optional-dependencies"][extra]])
    packages = metadata.packages_distributions()
    blocked = {name for name, owners in packages.items() if available.isdisjoint(map(canonicalize_name, owners))}
    blocked -= {"rlvitals"}
    modules = modules_of(extra, (root / "pyproject.toml").read_text(encoding="utf-8"), root / "src")
    assert {"pytest", "hypothesis"} <= blocked
    assert modules
    command = [sys.executable, "-c", ALONE, ",".join(blocked), ",".join(modules)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    assert done.returncode == 0


def test_a_package_of_another_extra_is_detected() -> None:
    """A module that needs a blocked package fails, and names the extra that is missing."""

    command = [sys.executable, "-c", ALONE, "gymnasium", "rlvitals.adapters.gymnasium"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "MissingExtraError" in done.stderr
    assert "rlvitals[gymnasium]" in done.stderr
