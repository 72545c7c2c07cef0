"""Description of a metric: title, unit, direction, number format, panel and meaning."""

from typing import Any, Literal, NamedTuple

Better = Literal["higher", "lower"] | None
Format = Literal["number", "count", "percent", "time"]
"""How values are formatted (`formatting.format_value`). `percent` formats a share: 0.5 is 50 %."""
Panel = Literal["clock", "outcome", "update", "update detail", "evaluation", "machine", "machine detail", ""]
"""Where pages and reports plot a metric. A clock is never plotted, and a metric without a panel only on request."""

_UNITS_IN_LABELS = frozenset({"s", "MiB", "%"})
"""Units that are added to the title, because the title does not imply them."""


class Metric(NamedTuple):
    """One metric.

    Attributes:
        name: Field of the record, or `field.key` for an entry of a dict.
        title: Display title.
        unit: Unit of measurement. `1` for a pure number, `reward` for the environment's reward unit, empty if unknown.
        formula: Description and formula.
        source: Paper or reference implementation that defines the metric.
        healthy: Typical values in a healthy training.
        low: Lowest healthy value, if one number applies to every environment.
        high: Highest healthy value, if one number applies to every environment.
        short: Lower-case title for a narrow column. Empty if `title` is short enough.
        better: Which direction is better. `None` for neither.
        format: How values are formatted.
        panel: Where pages and reports plot the metric. Within a panel, metrics keep the order of their table.
        limits: Lowest and highest possible value, if `low` does not determine them (see `axis`).
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
        """Title, with the unit if the title does not imply it."""
        return f"{self.title} ({self.unit})" if self.unit in _UNITS_IN_LABELS else self.title

    @property
    def short_label(self) -> str:
        """Title for a narrow column, with the unit if the title does not imply it."""
        short = self.short or self.phrase
        return f"{short} {self.unit}" if self.unit in _UNITS_IN_LABELS else short

    @property
    def phrase(self) -> str:
        """Title for use inside a sentence: in lower case, unless it begins with an acronym."""
        return self.title if self.title[1:2].isupper() else self.title[:1].lower() + self.title[1:]

    @property
    def axis(self) -> tuple[float | None, float | None]:
        """Lowest and highest possible value, which bound an axis. `None` for no limit."""
        return self.limits or (None if self.low is None else 0.0, None)

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes and derived labels as a dict, for a page."""
        return {**self._asdict(), "label": self.label, "phrase": self.phrase, "axis": self.axis}

    @property
    def healthy_range(self) -> tuple[float, float] | None:
        """Healthy range, if both ends are numbers."""
        return None if self.low is None or self.high is None else (self.low, self.high)
