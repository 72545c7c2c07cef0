"""Evaluations in a report: the agent's over the run, the baselines beside them."""

from collections.abc import Callable, Sequence

import numpy as np

from rlvitals.documents.charts import Band, CurveChart, Line, ReferenceLine
from rlvitals.documents.document import Cell, Table, table_of
from rlvitals.documents.run_curves import sparks
from rlvitals.documents.run_data import RunData
from rlvitals.documents.run_tables import value
from rlvitals.formatting import count, number, percent
from rlvitals.records import Evaluation

_MOST_ROWS = 50
_SCREEN = 12
_FEWEST = 2


def evaluation_chart(account: RunData) -> CurveChart | None:
    """The agent's evaluations over the run, with each baseline as a level; `None` if there are too few."""
    mine = [one for one in account.evaluations if one.policy is None and one.reward is not None]
    if len(mine) < _FEWEST:
        return None
    by_step = all(one.env_step is not None for one in mine)
    x = np.array([float((one.env_step if by_step else one.episode) or 0) for one in mine])
    y = np.array([float("nan") if one.reward is None else one.reward for one in mine])
    spread = np.array([float("nan") if one.reward_std is None else one.reward_std for one in mine])
    known = np.isfinite(spread) & np.isfinite(y)
    baselines = {one.policy: one for one in account.evaluations if one.policy is not None and one.reward is not None}
    return CurveChart(
        key="evaluations",
        title="Reward of evaluations",
        clock="step" if by_step else "episode",
        unit="reward",
        lines=(Line(x, y, "main", "agent", dots=True),),
        bands=(Band(x[known], (y - spread)[known], (y + spread)[known], "one standard deviation of episodes"),)
        if known.sum() > 1
        else (),
        levels=tuple(
            ReferenceLine(one.reward, f"{name} {number(one.reward)}", "baseline")
            for name, one in baselines.items()
            if one.reward is not None
        ),
        about="Mean return of evaluation episodes, apart from training.",
        spark=sparks(y),
    )


def evaluation_table(evaluations: Sequence[Evaluation]) -> Table:
    """Tabulate the last evaluations."""
    columns: dict[str, Callable[[Evaluation], Cell]] = {
        "policy": lambda one: one.policy or "agent",
        "step": lambda one: count(one.env_step),
        "episode": lambda one: count(one.episode),
        "reward": lambda one: value(one.reward),
        "std": lambda one: value(one.reward_std),
        "quality": lambda one: value(one.quality),
        "success": lambda one: percent(one.success_rate, 3),
        "length": lambda one: value(one.length),
        "episodes": lambda one: count(one.episodes),
    }
    shown = evaluations[-_MOST_ROWS:]
    return table_of(shown, columns, caption=f"Last {count(len(shown))} evaluations", folded=len(shown) > _SCREEN)
