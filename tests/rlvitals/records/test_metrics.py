"""The metric dictionary."""

import pytest

from rlvitals.records import METRICS, STREAMS, Metric, metric
from rlvitals.records.schema import Column, fields

EVERY = [pytest.param(stream, entry, id=f"{stream}.{entry.name}") for stream in METRICS for entry in METRICS[stream]]


@pytest.mark.parametrize("stream", ["episodes", "updates", "evaluations", "system"])
def test_every_number_is_explained(stream: str) -> None:
    """Each numeric field of a record is in the dictionary, in the record's order, and nothing else is."""

    numeric = [f.name for f in fields(STREAMS[stream]) if f.column in {Column.NUMBER, Column.COUNT}]
    assert [entry.name for entry in METRICS[stream]] == numeric


@pytest.mark.parametrize(("stream", "entry"), EVERY)
def test_every_entry_is_whole(stream: str, entry: Metric) -> None:
    """An entry says unit, formula and source, and its bounds are a range."""

    assert metric(stream, entry.name) == entry
    assert all((entry.unit, entry.formula, entry.source))
    assert entry.low is None or entry.high is None or entry.low < entry.high


@pytest.mark.parametrize(
    ("stream", "entry"), [case for case in EVERY if "updates." in str(case.id) and ".writer" not in str(case.id)]
)
def test_every_number_of_an_update_has_a_healthy_range(stream: str, entry: Metric) -> None:
    """What a reader wants to know of a PPO metric is whether it is well."""

    assert entry.healthy, f"{stream}.{entry.name}"


@pytest.mark.parametrize(
    ("name", "unit", "part"),
    [
        ("kl_divergence", "nats", "mean((r - 1) - log r)"),
        ("policy_loss", "1", "-mean(min(r A, clip(r, 1 - c, 1 + c) A))"),
        ("explained_variance", "1", "1 - Var[R - V] / Var[R]"),
        ("clip_fraction", "1", "mean(|r - 1| > c)"),
        ("entropy", "nats", "-sum p log p"),
        ("gradient_norm", "1", "before clipping"),
        ("value_loss", "reward^2", "mean((R - V)^2)"),
    ],
)
def test_formulas_are_those_of_ppo(name: str, unit: str, part: str) -> None:
    """The formulas that everybody looks up are the ones of the paper and of the implementations named."""

    entry = metric("updates", name)
    assert entry is not None
    assert entry.unit == unit
    assert part in entry.formula


def test_a_number_of_the_users_own_is_not_explained() -> None:
    """What is in no record's fields has no entry."""

    assert metric("updates", "my_loss") is None
    assert metric("scalars", "step") is None
