"""The metric dictionary: title, meaning and display of every number in a record.

Titles, units, directions, number formats and panels on pages, in reports and in the terminal come from this dictionary.
`docs/reference/metrics` is generated from it.

Healthy values are described in words, because they depend on the environment. Numeric bounds are given only if they
apply to every environment.
"""

from functools import cache

from rlvitals.records.episode_metrics import EPISODES, EVALUATIONS, SHARED
from rlvitals.records.metric import Metric, Panel
from rlvitals.records.system_metrics import SYSTEM
from rlvitals.records.update_metrics import PPO_UPDATES

METRICS: dict[str, tuple[Metric, ...]] = {
    "episodes": SHARED + EPISODES,
    "updates": SHARED + PPO_UPDATES,
    "evaluations": SHARED + EVALUATIONS,
    "system": SHARED + SYSTEM,
}
"""Metrics of each stream with numeric fields."""
_BY_NAME = {stream: {one.name: one for one in known} for stream, known in METRICS.items()}


def metric(stream: str, name: str) -> Metric | None:
    """Return a metric, or `None` for a custom one."""
    return _BY_NAME.get(stream, {}).get(name)


def metric_of(stream: str, name: str) -> Metric:
    """Return a metric, or one made from the name for a custom metric.

    Args:
        stream: Stream of the record.
        name: Name of the field, or `field.key` for an entry of a dict.
    """
    return metric(stream, name) or Metric(name, title_of(name))


def metric_named(name: str) -> Metric:
    """Return a metric by the name that a user types: `reward`, `updates.kl_divergence`, `extra.score`."""
    stream, _, field = name.partition(".")
    return metric_of(stream, field) if field and stream in METRICS else metric_of("episodes", name)


def title_of(name: str) -> str:
    """Return a title for a custom name: words for a plain field, the unchanged name for an entry of a dict."""
    if "." in name:
        return name
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


@cache
def panel(stream: str, *names: Panel) -> tuple[Metric, ...]:
    """Return the metrics of a stream that belong to the given panels, in order."""
    return tuple(one for name in names for one in METRICS[stream] if one.panel == name)
