"""Cost of importing, and the public names of the packages."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

Modules = dict[str, ast.Module]

MOST_PUBLIC_NAMES = 16
"""Maximum number of public names, so that `dir(rlvitals)` stays readable."""

HEAVY = (
    "apprise",
    "duckdb",
    "gymnasium",
    "matplotlib",
    "mlflow",
    "pandas",
    "plotly",
    "polars",
    "prometheus_client",
    "pyarrow",
    "pytest",
    "rich",
    "scipy",
    "stable_baselines3",
    "starlette",
    "tensorboard",
    "torch",
    "typer",
    "vtracer_gym",
    "wandb",
)
"""Packages that a trainer that only records must not load."""


def loaded_by(statement: str) -> list[str]:
    """Return the heavy packages that a statement loads in a fresh interpreter."""
    script = f"import sys, json; {statement}; print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def exports_of(tree: ast.Module) -> set[str]:
    """Return the public names that a package's `__init__` imports from this repository or defines."""
    names: set[str] = set()
    lazily = [node for block in tree.body if isinstance(block, ast.If) for node in block.body]  # `if TYPE_CHECKING:`
    for node in [*tree.body, *lazily]:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in {"rlvitals", "vtracer_gym"}:
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return {name for name in names if not name.startswith("_")}


def all_of(tree: ast.Module) -> list[str] | None:
    """Return a module's `__all__`, or `None` without one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def packages(modules: Modules) -> Iterator[str]:
    """Yield the modules that have submodules."""
    return (name for name in modules if any(other.startswith(f"{name}.") for other in modules))


def private_uses(tree: ast.Module, public: list[str]) -> list[str]:
    """Return the names of `rlvitals` that user code takes but that are not public."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("rlvitals.")]
        elif isinstance(node, ast.ImportFrom) and node.module == "rlvitals":
            found += [alias.name for alias in node.names if alias.name not in {*public, "adapters"}]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rlvitals."):
            of_adapters = f"{node.module}.".startswith("rlvitals.adapters.")
            found += [
                f"{node.module}.{alias.name}" for alias in node.names if not of_adapters or alias.name.startswith("_")
            ]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "rlvitals":
            found += [node.attr] if node.attr not in {*public, "adapters"} else []
    return found


def test_a_trainer_loads_nothing_heavy() -> None:
    """Importing all public names of `rlvitals` loads no framework, database or terminal library."""

    assert loaded_by("from rlvitals import *") == []


@pytest.mark.parametrize("library", ["environment", "sb3", "study", "wandb", "writer"])
def test_an_attached_program_loads_no_database(library: str) -> None:
    """DuckDB takes time to load, and writes messages on standard error if an interpreter ends without unloading it."""

    assert "duckdb" not in loaded_by(f"import rlvitals.autologging.{library}_attachment")


def test_a_heavy_import_is_detected() -> None:
    """The check detects a loaded package."""

    assert loaded_by("import duckdb") == ["duckdb"]


def test_a_package_lists_its_public_names(modules: Modules) -> None:
    """The `__all__` of each package lists exactly its public names."""

    wrong = {
        name: sorted(exports_of(modules[name]) ^ set(all_of(modules[name]) or ()))
        for name in packages(modules)
        if exports_of(modules[name]) != {entry for entry in all_of(modules[name]) or () if not entry.startswith("_")}
    }
    assert wrong == {}


def test_public_names_exist() -> None:
    """`from rlvitals import *` works, and each name has a docstring."""

    rlvitals = importlib.import_module("rlvitals")
    assert [name for name in rlvitals.__all__ if not getattr(rlvitals, name).__doc__] == []


def test_the_root_lists_only_its_public_names() -> None:
    """`dir(rlvitals)` equals `__all__`, even after imports of submodules. Exceptions are in `rlvitals.errors`."""

    rlvitals = importlib.import_module("rlvitals")
    importlib.import_module("rlvitals.runs.catalogue")
    offered = [getattr(rlvitals, name) for name in rlvitals.__all__]
    assert dir(rlvitals) == sorted(rlvitals.__all__)
    assert len(rlvitals.__all__) <= MOST_PUBLIC_NAMES
    assert not [one for one in offered if isinstance(one, type) and issubclass(one, BaseException)]


def test_the_reference_pipeline_uses_only_public_names(modules: Modules) -> None:
    """`vtracer_gym` imports public names and adapters of `rlvitals`, like any user."""

    public = all_of(modules["rlvitals"])
    assert public
    uses = {
        name: used
        for name, tree in modules.items()
        if name.startswith("vtracer_gym") and (used := private_uses(tree, public))
    }
    assert uses == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from rlvitals import TrainingMonitor", []),
        ("from rlvitals.adapters.sb3 import VitalsCallback", []),
        ("import rlvitals\nrlvitals.open_run", []),
        ("from rlvitals import records", ["records"]),
        ("from rlvitals.records import Episode", ["rlvitals.records.Episode"]),
        ("from rlvitals.adapters.sb3 import _private", ["rlvitals.adapters.sb3._private"]),
        ("def f():\n    import rlvitals.runs", ["rlvitals.runs"]),
        ("import rlvitals\nrlvitals.runs.layout", ["runs"]),
    ],
)
def test_a_private_use_is_detected(source: str, found: list[str]) -> None:
    """A private use is detected in any form and place."""

    assert private_uses(ast.parse(source), ["TrainingMonitor", "open_run"]) == found


def test_an_unlisted_name_is_detected() -> None:
    """A name that a package imports but does not list in `__all__` is detected."""

    tree = ast.parse(
        "import json\nfrom rlvitals.errors import RunError\n_hidden = 1\nSEEN: int = 2\n__all__ = ['SEEN']"
    )
    assert exports_of(tree) - set(all_of(tree) or ()) == {"RunError"}
