"""What importing costs, and what the packages offer."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

Modules = dict[str, ast.Module]

MOST_PUBLIC_NAMES = 16
"""As many as a reader takes in at one glance of `dir(rlvitals)`."""

HEAVY = (
    "duckdb",
    "gymnasium",
    "matplotlib",
    "mlflow",
    "pandas",
    "plotly",
    "polars",
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
"""What a trainer that only wants to record must not load."""


def loaded_by(statement: str) -> list[str]:
    """The heavy packages that a statement loads, in a fresh interpreter."""
    script = f"import sys, json; {statement}; print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def exports_of(tree: ast.Module) -> set[str]:
    """The public names that a package's `__init__` takes from this repository, or makes itself."""
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
    """A module's `__all__`; `None` if it has none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def packages(modules: Modules) -> Iterator[str]:
    """The modules that have others below them."""
    return (name for name in modules if any(other.startswith(f"{name}.") for other in modules))


def private_uses(tree: ast.Module, public: list[str]) -> list[str]:
    """What a user's code takes of `rlvitals` that is not offered."""
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
    """All that `rlvitals` offers loads no framework, no database and no terminal library."""

    assert loaded_by("from rlvitals import *") == []


def test_a_heavy_import_is_found() -> None:
    """The check sees what was loaded."""

    assert loaded_by("import duckdb") == ["duckdb"]


def test_a_package_says_what_it_offers(modules: Modules) -> None:
    """Each package that offers names lists them in `__all__`, and lists no others."""

    wrong = {
        name: sorted(exports_of(modules[name]) ^ set(all_of(modules[name]) or ()))
        for name in packages(modules)
        if exports_of(modules[name]) != {entry for entry in all_of(modules[name]) or () if not entry.startswith("_")}
    }
    assert wrong == {}


def test_what_a_package_offers_is_there() -> None:
    """`from rlvitals import *` works, and each name is documented."""

    rlvitals = importlib.import_module("rlvitals")
    assert [name for name in rlvitals.__all__ if not getattr(rlvitals, name).__doc__] == []


def test_the_root_lists_its_public_names_only() -> None:
    """`dir(rlvitals)` is `__all__`, also after modules below it were imported; exceptions are in `rlvitals.errors`."""

    rlvitals = importlib.import_module("rlvitals")
    importlib.import_module("rlvitals.runs.catalogue")
    offered = [getattr(rlvitals, name) for name in rlvitals.__all__]
    assert dir(rlvitals) == sorted(rlvitals.__all__)
    assert len(rlvitals.__all__) <= MOST_PUBLIC_NAMES
    assert not [one for one in offered if isinstance(one, type) and issubclass(one, BaseException)]


def test_the_reference_pipeline_uses_public_names_only(modules: Modules) -> None:
    """`vtracer_gym` imports `rlvitals`' public names and its adapters, as any user would."""

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
def test_a_private_use_is_found(source: str, found: list[str]) -> None:
    """However it is written, and wherever it hides."""

    assert private_uses(ast.parse(source), ["TrainingMonitor", "open_run"]) == found


def test_a_name_that_is_not_listed_is_found() -> None:
    """A name that a package imports and forgets in `__all__` shows."""

    tree = ast.parse(
        "import json\nfrom rlvitals.errors import RunError\n_hidden = 1\nSEEN: int = 2\n__all__ = ['SEEN']"
    )
    assert exports_of(tree) - set(all_of(tree) or ()) == {"RunError"}
