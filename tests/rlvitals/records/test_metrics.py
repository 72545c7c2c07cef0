"""The metric dictionary."""

import pytest

from rlvitals.records import METRICS, STREAMS, Metric, metric
from rlvitals.records.metrics import metric_of, panel
from rlvitals.records.schema import Column, fields

EVERY = [pytest.param(stream, entry, id=f"{stream}.{entry.name}") for stream in METRICS for entry in METRICS[stream]]


@pytest.mark.parametrize("stream", ["episodes", "updates", "evaluations", "system"])
def test_every_number_has_an_entry(stream: str) -> None:
    """The dictionary has one entry per number and bool of a record, and no others."""

    numeric = [f.name for f in fields(STREAMS[stream]) if f.column in {Column.NUMBER, Column.COUNT, Column.FLAG}]
    assert sorted(entry.name for entry in METRICS[stream]) == sorted(numeric)


@pytest.mark.parametrize(("stream", "entry"), EVERY)
def test_every_entry_is_complete(stream: str, entry: Metric) -> None:
    """An entry has a title, unit, formula and source, and its bounds form a range."""

    assert metric(stream, entry.name) == entry
    assert all((entry.title, entry.unit, entry.formula, entry.source))
    assert entry.low is None or entry.high is None or entry.low < entry.high


@pytest.mark.parametrize(
    ("stream", "entry"), [case for case in EVERY if "updates." in str(case.id) and ".writer" not in str(case.id)]
)
def test_every_number_of_an_update_has_a_healthy_range(stream: str, entry: Metric) -> None:
    """Every PPO metric describes its healthy values."""

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
    """The formulas match the paper and the named implementations."""

    entry = metric("updates", name)
    assert entry is not None
    assert entry.unit == unit
    assert part in entry.formula


def test_a_custom_metric_has_no_entry() -> None:
    """A name that is not a field has no entry."""

    assert metric("updates", "my_loss") is None
    assert metric("scalars", "step") is None


@pytest.mark.parametrize("stream", METRICS)
def test_titles_in_a_stream_are_unique(stream: str) -> None:
    """Titles are unique, and metrics in percent are shares between 0 and 1."""

    titles = [entry.title for entry in METRICS[stream]]
    assert len(titles) == len(set(titles))
    assert all(entry.axis == (0.0, 1.0) and entry.unit == "1" for entry in METRICS[stream] if entry.format == "percent")


def test_panels_keep_the_order_of_their_table() -> None:
    """Reports show the main metrics of a PPO training first, and details after them."""

    assert [entry.name for entry in panel("updates", "update")] == [
        "policy_loss", "value_loss", "entropy", "kl_divergence", "clip_fraction", "explained_variance",
        "learning_rate", "gradient_norm",
    ]  # fmt: skip
    assert panel("updates", "update", "update detail")[:8] == panel("updates", "update")
    assert panel("episodes", "outcome")[0].name == "reward"


def test_every_update_metric_has_a_panel() -> None:
    """Pages can show every metric of an update."""

    assert [entry.name for entry in METRICS["updates"] if not entry.panel] == []


def test_episode_length_has_no_better_direction() -> None:
    """Only metrics with a clear better direction have one, because it affects the trend of a run."""

    better = {entry.name: entry.better for entry in METRICS["episodes"] if entry.better}
    assert better == dict.fromkeys(("reward", "quality_final", "quality_improvement", "success"), "higher")
    assert {entry.name: entry.better for entry in METRICS["updates"] if entry.better} == {
        "value_loss": "lower", "explained_variance": "higher",
    }  # fmt: skip


def test_narrow_columns_have_short_labels() -> None:
    """Short labels include the unit if the title does not imply it, and acronyms stay in upper case."""

    names = {"memory": "memory MiB", "cpu_percent": "CPU %", "env_steps_per_second": "steps/s"}
    assert {name: metric_of("system", name).short_label for name in names} == names
    assert metric_of("updates", "kl_divergence").short_label == "KL"
    assert metric_of("updates", "value_mean").short_label == "mean value"
