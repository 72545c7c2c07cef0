"""The metric dictionary."""

import pytest

from rlvitals.records import METRICS, STREAMS, Metric, metric
from rlvitals.records.metrics import metric_of, panel
from rlvitals.records.schema import Column, fields

EVERY = [pytest.param(stream, entry, id=f"{stream}.{entry.name}") for stream in METRICS for entry in METRICS[stream]]


@pytest.mark.parametrize("stream", ["episodes", "updates", "evaluations", "system"])
def test_every_number_is_explained(stream: str) -> None:
    """Each number and flag of a record is in the dictionary once, and nothing else is."""

    numeric = [f.name for f in fields(STREAMS[stream]) if f.column in {Column.NUMBER, Column.COUNT, Column.FLAG}]
    assert sorted(entry.name for entry in METRICS[stream]) == sorted(numeric)


@pytest.mark.parametrize(("stream", "entry"), EVERY)
def test_every_entry_is_whole(stream: str, entry: Metric) -> None:
    """An entry has title, unit, formula and source, and its bounds are a range."""

    assert metric(stream, entry.name) == entry
    assert all((entry.title, entry.unit, entry.formula, entry.source))
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


@pytest.mark.parametrize("stream", METRICS)
def test_no_two_metrics_of_a_stream_look_the_same(stream: str) -> None:
    """A title is of one metric. A share is shown in per cent, and lies between 0 and 1."""

    titles = [entry.title for entry in METRICS[stream]]
    assert len(titles) == len(set(titles))
    assert all(entry.axis == (0.0, 1.0) and entry.unit == "1" for entry in METRICS[stream] if entry.format == "percent")


def test_panels_keep_the_order_of_their_table() -> None:
    """What a report shows first of a PPO training; details come behind all of it."""

    assert [entry.name for entry in panel("updates", "update")] == [
        "policy_loss", "value_loss", "entropy", "kl_divergence", "clip_fraction", "explained_variance",
        "learning_rate", "gradient_norm",
    ]  # fmt: skip
    assert panel("updates", "update", "update detail")[:8] == panel("updates", "update")
    assert panel("episodes", "outcome")[0].name == "reward"


def test_every_metric_of_an_update_is_a_clock_or_in_a_panel() -> None:
    """None that somebody logs is kept from the pages."""

    assert [entry.name for entry in METRICS["updates"] if not entry.panel] == []


def test_what_survives_longer_is_neither_better_nor_worse() -> None:
    """The directions that the trend of a run is judged by."""

    better = {entry.name: entry.better for entry in METRICS["episodes"] if entry.better}
    assert better == dict.fromkeys(("reward", "quality_final", "quality_improvement", "success"), "higher")
    assert {entry.name: entry.better for entry in METRICS["updates"] if entry.better} == {
        "value_loss": "lower", "explained_variance": "higher",
    }  # fmt: skip


def test_narrow_columns_have_short_labels() -> None:
    """With the unit where the title does not imply it; acronyms stay as they are."""

    names = {"memory": "memory MiB", "cpu_percent": "CPU %", "env_steps_per_second": "steps/s"}
    assert {name: metric_of("system", name).short_label for name in names} == names
    assert metric_of("updates", "kl_divergence").short_label == "KL"
    assert metric_of("updates", "value_mean").short_label == "mean value"
