"""Layers of the packages and their allowed imports."""

import ast
import graphlib
from collections.abc import Iterator

import pytest

Modules = dict[str, ast.Module]

LAYERS: dict[str, int] = {
    "rlvitals.errors": 0,
    "rlvitals.clock": 0,
    "rlvitals.text_escaping": 0,
    "rlvitals.files": 0,  # safe access to regular files only
    "rlvitals.stats": 0,  # arrays in, values out
    "rlvitals.plugins": 1,
    "rlvitals.records": 1,
    "rlvitals.formatting": 2,  # numbers, times and curves as text
    "rlvitals.runs": 3,
    "rlvitals.sinks": 3,
    "rlvitals.recording": 4,
    "rlvitals.diagnosis": 4,
    "rlvitals.formats": 4,  # exporters use the event files of the sinks
    "rlvitals.summary": 5,  # facts about one run, including the diagnosis
    "rlvitals.comparison": 6,  # facts about groups of runs
    "rlvitals.compat.tensorboard": 13,  # drop-ins record with the adapters
    "rlvitals.compat.wandb": 13,
    "rlvitals.compat.wandb_run": 12,
    "rlvitals.compat.wandb_settings": 11,
    "rlvitals.compat.unsupported": 11,
    "rlvitals.compat": 6,
    "rlvitals.documents": 7,
    "rlvitals.render": 8,
    "rlvitals.outputs": 9,  # documents of --json
    "rlvitals.reader": 9,
    "rlvitals.monitor": 10,
    "rlvitals.adapters": 11,
    "rlvitals.autologging": 12,  # attaches the adapters
    "rlvitals": 14,  # `__init__`, the public names
    "rlvitals.dashboard": 15,
    "rlvitals.agents": 15,
    "rlvitals.cli": 16,
    "rlvitals.testing": 16,
    "rlvitals.__main__": 17,
    "vtracer_gym": 18,
}
"""Parts of the packages and their layers. A part imports only lower layers and itself."""

DEFERRED: dict[str, str] = {
    "rlvitals.cli.recorded_runs": "loads duckdb, which is not needed before a recorded program has ended",
    "rlvitals.cli.importable_logs": "loads the importers, which are not needed for a folder with runs",
    "rlvitals.autologging.child_process": "a program must start if its interpreter has no rlvitals",
    "rlvitals.comparison.metric_queries": "loads duckdb, which a trainer does not need",
    "rlvitals.runs.rows": "loads duckdb, which a reader of open segments does not need",
    "rlvitals.formats.exporters.run_export": "loads duckdb, which a trainer does not need",
    "rlvitals.render.notebook": "loads duckdb, which a trainer does not need",
    "rlvitals.render.report_writer": "loads duckdb, which a trainer does not need",
    "rlvitals.summary.overview": "loads duckdb, which a trainer does not need",
    "rlvitals.summary.run_summary": "loads duckdb, which a trainer does not need",
    "rlvitals.runs.answer": "loads duckdb, which a trainer does not need",
    "rlvitals.runs.sql_columns": "loads duckdb, which a trainer does not need",
    "rlvitals.runs.stream": "loads duckdb, which a trainer does not need",
    "rlvitals.runs.sealing": "loads duckdb, which a trainer that starts a new run does not need",
    "rlvitals.diagnosis.rules": "slow to load, and a trainer needs it only in the thread of its live diagnosis",
    "rlvitals.runs.queries": "loads duckdb, which a trainer that starts a new run does not need",
}
"""Modules that can be imported inside a function, with the reason: they are optional or too slow for a trainer."""


def part_of(module: str) -> str | None:
    """Return the part that a module belongs to, or `None` if it is not in this repository."""
    if module in LAYERS:
        return module
    return next((part for part in LAYERS if part != "rlvitals" and module.startswith(f"{part}.")), None)


def imported(node: ast.AST, modules: Modules) -> Iterator[str]:
    """Yield the modules that an import statement names. `from package import module` names the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            yield inner if inner in modules else base


def imports_of(tree: ast.AST, modules: Modules) -> set[str]:
    return {name for node in ast.walk(tree) for name in imported(node, modules)}


def top_imports_of(tree: ast.AST, modules: Modules) -> set[str]:
    """Return the modules that are imported on import, including inside `if` and `try`."""
    found = {name for node in ast.iter_child_nodes(tree) for name in imported(node, modules)}
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            found |= top_imports_of(node, modules)
    return found


def trespasses(modules: Modules) -> list[str]:
    """Return imports from the same or a higher layer."""
    found = []
    for module, tree in modules.items():
        here = part_of(module)
        for name in sorted(imports_of(tree, modules)):
            there = part_of(name)
            if here is not None and there not in {None, here} and LAYERS[there or ""] >= LAYERS[here]:
                found.append(f"{module} imports {name}")
    return found


def cycle(modules: Modules) -> list[str]:
    """Return the modules of an import cycle, or an empty list."""
    graph = {module: top_imports_of(tree, modules) - {module} for module, tree in modules.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def deferred(modules: Modules) -> list[str]:
    """Return imports inside functions that have no listed reason."""
    return [
        f"{module} imports {name} in {function.name}"
        for module, tree in modules.items()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for name in sorted(imports_of(function, modules))
        if name not in DEFERRED
    ]


def made(**sources: str) -> Modules:
    """Return modules made from sources. `__` in a name represents the dot."""
    return {name.replace("__", "."): ast.parse(source) for name, source in sources.items()}


def test_parts_import_only_lower_layers(modules: Modules) -> None:
    """Every part imports only lower layers, never a sibling or a higher layer."""

    assert trespasses(modules) == []


def test_every_module_has_a_layer(modules: Modules) -> None:
    """A new module must belong to a layer."""

    assert [module for module in modules if part_of(module) is None] == []


def test_there_are_no_import_cycles(modules: Modules) -> None:
    """There is an order in which each module is imported before it is needed."""

    assert cycle(modules) == []


def test_imports_are_at_the_top(modules: Modules) -> None:
    """Functions contain no imports, except the listed ones."""

    assert deferred(modules) == []


def test_every_reason_is_needed(modules: Modules) -> None:
    """Every listed import is still deferred somewhere."""

    functions = [node for tree in modules.values() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    used = {name for function in functions for name in imports_of(function, modules)}
    assert set(DEFERRED) - used == set()


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("rlvitals__records__codec", "from rlvitals.runs.header import Header", "rlvitals.runs.header"),
        ("rlvitals__sinks__memory_sink", "from rlvitals.runs import Run", "rlvitals.runs"),
        ("rlvitals__recording__recorder", "import rlvitals.monitor", "rlvitals.monitor"),
        ("rlvitals__monitor", "def f():\n    from rlvitals.cli import main", "rlvitals.cli"),
        ("rlvitals__stats__series__trend", "from rlvitals import Run", "rlvitals"),
        ("rlvitals__adapters__sb3", "import vtracer_gym", "vtracer_gym"),
    ],
)
def test_a_forbidden_import_is_detected(module: str, source: str, found: str) -> None:
    """Imports from a higher layer, from the same layer, from the root or inside a function are detected."""

    assert trespasses(made(**{module: source})) == [f"{module.replace('__', '.')} imports {found}"]


def test_a_cycle_is_detected() -> None:
    """A cycle through a package's `__init__` or an `if` is detected."""

    ring = made(a="from a.b import x", a__b="if True:\n    import a.c", a__c="import a")
    assert set(cycle(ring)) == {"a", "a.b", "a.c"}
    assert cycle(made(a="from a import b", a__b="import json")) == []


def test_an_import_in_a_function_is_detected() -> None:
    """Imports in functions and in methods are detected."""

    house = made(a="def f():\n    import json", b="class C:\n    def g(self):\n        import pandas")
    assert deferred(house) == ["a imports json in f", "b imports pandas in g"]
    assert deferred(made(a="def f():\n    from rlvitals.runs.queries import ask")) == []
