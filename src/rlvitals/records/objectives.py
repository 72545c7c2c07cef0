"""Objectives of a run: the outcomes that it optimises, with their direction and their column.

Reward, quality and success are objectives of every run that reports them. Any other number of the episodes becomes an
objective when the configuration lists its name in `lower_is_better` or `higher_is_better`.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

from rlvitals.records.metric import Metric
from rlvitals.records.metrics import metric, metric_of

LOWER_IS_BETTER = "lower_is_better"
HIGHER_IS_BETTER = "higher_is_better"
"""Configuration entries that list names of objectives."""
PARAMETER_BOUNDS = "parameter_bounds"
"""Configuration entry that holds the lowest and highest value of each parameter: `{name: [low, high]}`."""

KNOWN = ("reward", "quality_final", "quality_improvement", "success")
"""Objectives of every run that reports them, in display order."""
ATTEMPT_NAMES = {"quality": "quality_final"}
"""Names that an attempt can use for a field of the episode."""

Direction = Literal["higher", "lower"]


class Objective(NamedTuple):
    """An outcome that a run optimises.

    Attributes:
        name: Display and lookup name: a field of the episode, or a key of `extra` and of attempts.
        better: The better direction.
    """

    name: str
    better: Direction

    @property
    def is_custom(self) -> bool:
        """Whether the objective is an entry of `extra`, not a field of the episode.

        Such an objective can have any distribution. File sizes and times are skewed, so its level is the median.
        """
        return metric("episodes", self.name) is None

    @property
    def column(self) -> str:
        """Column of the episodes that holds the objective."""
        return f"extra.{self.name}" if self.is_custom else self.name

    @property
    def sign(self) -> float:
        """-1 if lower is better, otherwise 1."""
        return -1.0 if self.better == "lower" else 1.0

    @property
    def metric(self) -> Metric:
        """Title and format, with the direction of this run."""
        return metric_of("episodes", self.name)._replace(better=self.better)


def declared_directions(configuration: Mapping[str, Any]) -> dict[str, Direction]:
    """Return the better direction of each metric that a configuration lists in `lower_is_better` or `higher_is_better`.

    A name in both lists counts as lower is better. Other types than text and lists of text are ignored.
    """
    found: dict[str, Direction] = {}
    wanted: tuple[tuple[str, Direction], ...] = ((LOWER_IS_BETTER, "lower"), (HIGHER_IS_BETTER, "higher"))
    for setting, direction in wanted:
        given = configuration.get(setting)
        names = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else []
        for name in names:
            found.setdefault(str(name), direction)
    return found


def custom_objectives(configuration: Mapping[str, Any]) -> tuple[Objective, ...]:
    """Return the objectives that a configuration declares and that are not fields of an episode, in their order.

    A declared name can have the prefix `extra.`. Names of attempts for a field, such as `quality`, are that field.
    """
    declared = (Objective(name.removeprefix("extra."), one) for name, one in declared_directions(configuration).items())
    return tuple(one for one in dict.fromkeys(declared) if one.is_custom and one.name not in ATTEMPT_NAMES)


def objectives_of(configuration: Mapping[str, Any], names: Collection[str]) -> tuple[Objective, ...]:
    """Return the objectives of a run: the known ones first, then the declared ones.

    Args:
        configuration: Configuration of the run.
        names: Names that the run recorded: fields of the episodes, and keys of `extra` or of attempts.
    """
    return objectives_of_directions(declared_directions(configuration), names)


def objectives_of_directions(directions: Mapping[str, Direction], names: Collection[str]) -> tuple[Objective, ...]:
    """Return the objectives of a run, as `objectives_of` does.

    Args:
        directions: Direction of each declared objective (`declared_directions`).
        names: Names that the run recorded.
    """
    better = {name.removeprefix("extra."): one for name, one in directions.items()}
    chosen = [*KNOWN, *(name for name in better if name not in KNOWN)]
    return tuple(Objective(name, better.get(name, "higher")) for name in chosen if name in names)


def parameter_bounds(configuration: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest value of each parameter that a configuration gives (`parameter_bounds`).

    Entries that are not two numbers in ascending order are ignored.
    """
    given = configuration.get(PARAMETER_BOUNDS)
    found: dict[str, tuple[float, float]] = {}
    for name, limits in given.items() if isinstance(given, Mapping) else ():
        if isinstance(limits, list | tuple) and len(limits) == 2:  # noqa: PLR2004 - low and high
            low, high = limits
            if isinstance(low, int | float) and isinstance(high, int | float) and low < high:
                found[str(name)] = (float(low), float(high))
    return found
