"""The metric dictionary: what each number in a record is called, what it means and how it is shown.

Every title, unit, direction, number format and panel on a page, in a report or in a terminal comes from here, and
`docs/metrics.md` is generated from it.

A healthy range is described in words, because it depends on the environment; in numbers only where it holds in all.
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
"""The metrics of each stream whose records have numbers of their own."""
_BY_NAME = {stream: {one.name: one for one in known} for stream, known in METRICS.items()}


def metric(stream: str, name: str) -> Metric | None:
    """Look up a metric; `None` for a custom one."""
    return _BY_NAME.get(stream, {}).get(name)


def metric_of(stream: str, name: str) -> Metric:
    """Look up a metric, or describe a custom one by its name.

    Args:
        stream: Stream of the record.
        name: Name of the field, or `field.key` for an entry of a dictionary.
    """
    return metric(stream, name) or Metric(name, title_of(name))


def metric_named(name: str) -> Metric:
    """Look up a metric by the name that a user types: `reward`, `updates.kl_divergence`, `extra.score`."""
    stream, _, field = name.partition(".")
    return metric_of(stream, field) if field and stream in METRICS else metric_of("episodes", name)


def title_of(name: str) -> str:
    """Make a title of a custom name: words for a plain field, the name itself for an entry of a dictionary."""
    if "." in name:
        return name
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


@cache
def panel(stream: str, *names: Panel) -> tuple[Metric, ...]:
    """The metrics of a stream that panels show, in their order."""
    return tuple(one for name in names for one in METRICS[stream] if one.panel == name)
