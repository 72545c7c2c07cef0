"""What pages show of an overview, ready to be shown: they work out and word nothing of their own."""

import msgspec

from rlvitals.summary.levels import level_text
from rlvitals.summary.overview import Overview
from rlvitals.summary.status import OPEN


class ShownFacts(msgspec.Struct, frozen=True):
    """Facts of an overview, as pages show them.

    Attributes:
        is_open: Whether more may come of the run.
        speed: Environment steps a second: recently while the run is open, else over the whole run.
        episode_rate: Episodes a minute, likewise.
        level_texts: The text of each recent level.
    """

    is_open: bool
    speed: float | None
    episode_rate: float | None
    level_texts: dict[str, str]


def shown_facts(overview: Overview) -> ShownFacts:
    """Choose and word the facts of an overview that pages show."""
    is_open = overview.state.status in OPEN
    return ShownFacts(
        is_open=is_open,
        speed=overview.recent_steps_per_second if is_open else overview.steps_per_second,
        episode_rate=overview.recent_episodes_per_minute if is_open else overview.episodes_per_minute,
        level_texts={name: level_text(name, level) for name, level in overview.levels.items()},
    )
