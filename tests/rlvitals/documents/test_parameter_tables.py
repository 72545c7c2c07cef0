"""Tests of the tables of explored parameters."""

from typing import Any

from rlvitals.documents.document import Prose, Table
from rlvitals.documents.parameter_tables import effect_table, exploration_blocks, parameter_rows


def total(name: str, verdict: str, share: float, low: float, high: float) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "share": share, "low": low, "high": high}


def finding(outcome: str, *totals: dict[str, Any], named: tuple[str, ...] = ()) -> dict[str, Any]:
    effects = [
        {"name": name, "drives": True, "shape": "rising", "best": 1, "share": 0.1, "adjusted_p": 0.01} for name in named
    ]
    return {
        "outcome": outcome,
        "category": None,
        "drivers": {"verdict": "found" if named else "none found", "effects": effects, "interactions": []},
        "totals": list(totals),
        "region": {"where": {}, "verdict": "not shown", "mean": 0.0},
    }


def facts(*findings: dict[str, Any]) -> dict[str, Any]:
    tried = {"distinct": 1, "rows": 9}
    rest: dict[str, Any] = {"narrowing": [], "at_bounds": [], "ranges": [], "combinations": tried}
    return {**rest, "findings": list(findings), "unit": "attempt", "note": "Each attempt is one row."}


def test_parameters_without_an_effect_are_listed() -> None:
    """Parameters without an effect have empty tables, and a sentence lists them."""
    blocks = list(exploration_blocks(facts(finding("reward"))))

    assert [block.rows for block in blocks if isinstance(block, Table)] == [(), (), (), ()]
    assert blocks[-1] == Prose("No effect shown on Reward of all categories (none found).", "quiet")


def test_the_rows_are_explained() -> None:
    """The tables begin with what a row is."""

    assert next(exploration_blocks(facts(finding("reward")))) == Prose("Each attempt is one row.", "quiet")


def test_each_parameter_has_its_effect_on_every_outcome() -> None:
    """A significant effect has its interval, and any other one the largest effect that is possible."""
    speed = total("speed", "effect", 0.124, 0.08, 0.17)
    dull, rare = total("dull", "negligible", -0.001, -0.01, 0.008), total("rare", "hardly varied", 0.0, -0.1, 0.1)
    open_ = total("open", "not shown", 0.01, -0.02, 0.05)
    (effects,) = (parameter_rows(facts(finding("reward", speed, dull, rare, open_, named=("speed",)))),)

    assert {row.name: row.effects["reward"] for row in effects} == {
        "speed": "12 % (8 % to 17 %)",
        "dull": "no effect (below 0.8 %)",
        "rare": "no effect shown (hardly varied)",
        "open": "no effect shown (up to 5 %)",
    }


def test_a_parameter_without_effect_on_any_outcome_can_be_dropped() -> None:
    """The advice is given only if the effect on every outcome is negligible."""
    one, other = total("a", "negligible", 0.0, 0.0, 0.01), total("b", "negligible", 0.0, 0.0, 0.01)
    mattering = total("b", "effect", 0.2, 0.1, 0.3)
    table = effect_table(facts(finding("reward", one, other), finding("svg_bytes", one, mattering, named=("b",))))

    assert table.titles == ("parameter", "Reward", "Svg bytes", "advice")
    assert {row[0]: row[-1] for row in table.rows} == {"a": "fix it and drop it", "b": "-"}
