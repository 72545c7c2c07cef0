"""Numbers in rules are named constants with a unit and a meaning."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from rlvitals.diagnosis import learning, rules, signals
from rlvitals.diagnosis.rules import RULES, policy, return_history
from rlvitals.diagnosis.thresholds import Threshold, thresholds_in, thresholds_of

MODULES = [module for module in vars(rules).values() if isinstance(module, ModuleType)]
SOURCES = [Path(str(module.__file__)) for module in (*MODULES, return_history, learning, signals)]
PLAIN = {0, 1, 2}
"""Numbers that are plain arithmetic."""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.05, "%", "5 %"),
        (8, "updates", "8 updates"),
        (1.0, "nats", "1 nat"),
        (10_000.0, "times", "10,000 times"),
        (1e-5, "", "1e-5"),
        (3.1e-3, "", "0.0031"),
        (-0.2, "", "-0.2"),
        (0.0, "", "0"),
    ],
)
def test_a_threshold_is_a_number_with_a_unit(value: float, unit: str, text: str) -> None:
    """A threshold compares like a float and formats with its unit."""

    threshold = Threshold(value, unit, "Why.")
    assert (threshold == value, f"{threshold}", f"{threshold:.1f}") == (True, text, f"{value:.1f}")


def test_the_thresholds_of_a_rule_are_those_that_its_code_reads() -> None:
    """The thresholds of a rule include those of the functions that it calls in any module, and no others."""

    found = thresholds_of(next(rule.judge for rule in RULES if rule.code == "no-learning"))
    assert {"HALFWAY", "MAY_RISE", "ENOUGH", "GAIN", "LEAST_RISE", "NEARLY_OVER"} <= found.keys()
    assert not {"LARGE_KL", "GAP"} & found.keys()
    assert found["GAIN"] is return_history.GAIN


def test_every_threshold_is_used() -> None:
    """Some rule reads every threshold."""

    read = {id(value) for rule in RULES for value in thresholds_of(rule.judge).values()}
    idle = [
        f"{module.__name__}.{name}"
        for module in (*MODULES, return_history, signals)
        for name, value in thresholds_in(module).items()
        if id(value) not in read
    ]
    assert idle == []


def test_every_threshold_has_a_meaning() -> None:
    """Every meaning is a sentence, and every share is between 0 and 1."""

    for module in (*MODULES, return_history, signals, learning):
        for name, value in thresholds_in(module).items():
            assert value.meaning[0].isupper(), name
            assert value.meaning.endswith("."), name
            assert value.unit != "%" or 0.0 < value < 1.0, name


def magic(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the numbers within functions, except arithmetic and the confidence of a result."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RuleResult":
            continue
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == "sure" for one in node.targets):
            continue
        if isinstance(node, ast.Constant) and type(node.value) in {int, float} and node.value not in PLAIN:
            yield node
        yield from magic(node)


def numbers_in(source: str) -> list[str]:
    """Return the lines of a source whose functions have unnamed numbers."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [f"line {node.lineno}: {node.value!r}" for function in functions for node in magic(function)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_rules_have_no_unnamed_numbers(path: Path) -> None:
    """No function has an unnamed number, and no linter exception hides one."""

    source = path.read_text(encoding="utf-8")
    assert numbers_in(source) == []
    assert "PLR2004" not in source


def test_the_check_finds_unnamed_numbers() -> None:
    """The check finds numbers in a comparison, a slice and an argument."""

    source = (
        "def judge(x):\n    if x[:20] > 0.3 * x:\n        return past(0.9)\n    return RuleResult(CRITICAL, 0.9, {})\n"
    )
    assert numbers_in(source) == ["line 2: 20", "line 2: 0.3", "line 3: 0.9"]


def test_the_thresholds_of_a_rule_follow_its_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference shows the current value of the constant."""

    judge = next(rule.judge for rule in RULES if rule.code == "kl-too-large")
    monkeypatch.setattr(policy, "_LARGE_KL", Threshold(7.0, "nats", "Another."))
    assert thresholds_of(judge)["LARGE_KL"] == 7.0


def test_a_threshold_survives_pickling() -> None:
    """A pickled threshold keeps its value, unit and meaning."""
    made = Threshold(0.5, "%", "why")
    copied = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own bytes

    assert (copied, copied.unit, copied.meaning, str(copied)) == (0.5, "%", "why", "50 %")
