"""What is known of one metric: its title, unit, direction and number format, its panel, and what its values mean."""

from typing import Any, Literal, NamedTuple

Better = Literal["higher", "lower"] | None
Format = Literal["number", "count", "percent", "time"]
"""How values are written (`words.format_value`). `percent` is of a share: 0.5 is 50 %."""
Panel = Literal["clock", "outcome", "update", "update detail", "evaluation", "machine", "machine detail", ""]
"""Where pages and reports draw a metric. A clock is never drawn, and one without a panel only on request."""

_UNITS_IN_LABELS = frozenset({"s", "MiB", "%"})
"""Units that a title does not imply."""


class Metric(NamedTuple):
    """One metric.

    Attributes:
        name: The record's field; for an entry of a dictionary, `field.key`.
        title: Display title.
        unit: Unit of measurement; `1` for a pure number, `reward` for the environment's own unit, empty if unknown.
        formula: How it is computed.
        source: The paper or the reference implementation that defines it.
        healthy: What it looks like in a healthy training.
        low: Least healthy value, where one number holds for every environment.
        high: Greatest healthy value, likewise.
        short: Lower-case title for a narrow column; empty where `title` is short enough.
        better: Which direction is better; `None` for neither.
        format: How values are written.
        panel: Where pages and reports draw it. Within a panel, metrics keep the order of their table.
        limits: Least and greatest possible value, where `low` does not tell (`axis`).
    """

    name: str
    title: str
    unit: str = ""
    formula: str = ""
    source: str = ""
    healthy: str = ""
    low: float | None = None
    high: float | None = None
    short: str = ""
    better: Better = None
    format: Format = "number"
    panel: Panel = ""
    limits: tuple[float | None, float | None] | None = None

    @property
    def label(self) -> str:
        """The title, with the unit where the title does not imply it."""
        return f"{self.title} ({self.unit})" if self.unit in _UNITS_IN_LABELS else self.title

    @property
    def short_label(self) -> str:
        """The title for a narrow column, with the unit where the title does not imply it."""
        short = self.short or self.phrase
        return f"{short} {self.unit}" if self.unit in _UNITS_IN_LABELS else short

    @property
    def phrase(self) -> str:
        """The title inside a sentence: in lower case, unless it begins with an acronym."""
        return self.title if self.title[1:2].isupper() else self.title[:1].lower() + self.title[1:]

    @property
    def axis(self) -> tuple[float | None, float | None]:
        """Least and greatest possible value, at which an axis may end; `None` where there is no limit."""
        return self.limits or (None if self.low is None else 0.0, None)

    def as_dict(self) -> dict[str, Any]:
        """The attributes and the labels that are derived from them, for a page."""
        return {**self._asdict(), "label": self.label, "phrase": self.phrase, "axis": self.axis}

    @property
    def healthy_range(self) -> tuple[float, float] | None:
        """The healthy range, where both ends are numbers."""
        return None if self.low is None or self.high is None else (self.low, self.high)
