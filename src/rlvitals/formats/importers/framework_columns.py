"""Metric tables of training frameworks: how to recognise them and what their columns mean.

A column without an entry is kept under its own name. The tag of each column is a tag that `tag_reader` understands.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from rlvitals.errors import ImportFormatError
from rlvitals.records.step_names import ENV_STEP_NAMES


class Framework(NamedTuple):
    """A framework's metric table with one row per update or iteration.

    Attributes:
        title: Name of the framework for messages.
        signatures: Sets of columns. A table with all columns of one set belongs to this framework.
        steps: Columns that count environment steps, the most reliable first.
        elapsed: Columns with the seconds since the start.
        tags: Tag of each column.
        iterations: Columns that count updates or epochs, for tables without environment steps.
        speaks_tags: Whether the column names are tags.
    """

    title: str
    signatures: tuple[frozenset[str], ...]
    steps: tuple[str, ...]
    elapsed: tuple[str, ...]
    tags: Mapping[str, str]
    iterations: tuple[str, ...] = ()
    speaks_tags: bool = False


def _any(*columns: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset({column}) for column in columns)


UPDATE_TAG = "time/iterations"
"""Tag of the update number. This tag alone does not create an update."""

SB3 = Framework(
    title="Stable-Baselines3",
    signatures=_any("time/total_timesteps", "time/time_elapsed", "rollout/ep_rew_mean", "train/n_updates"),
    steps=("time/total_timesteps",),
    elapsed=("time/time_elapsed",),
    tags={},
    speaks_tags=True,
)
BASELINES = Framework(
    title="OpenAI baselines or Stable-Baselines 2",
    signatures=(
        *_any("misc/total_timesteps", "misc/serial_timesteps", "serial_timesteps", "TimestepsSoFar", "eprewmean"),
        *_any("EpRewMean", "mean 100 episode reward", "ep_reward_mean"),
        frozenset({"total_timesteps", "nupdates"}),
        frozenset({"total/steps", "rollout/return"}),
    ),
    steps=("misc/total_timesteps", "total_timesteps", "TimestepsSoFar", "total/steps", "steps"),
    elapsed=("misc/time_elapsed", "time_elapsed", "TimeElapsed", "total/duration"),
    tags={
        "fps": "time/fps",
        "total/steps_per_second": "time/fps",
        "misc/nupdates": UPDATE_TAG,
        "nupdates": UPDATE_TAG,
        "n_updates": UPDATE_TAG,
        "loss/policy_loss": "train/policy_loss",
        "policy_loss": "train/policy_loss",
        "loss_pol_surr": "train/policy_loss",
        "loss/value_loss": "train/value_loss",
        "value_loss": "train/value_loss",
        "loss_vf_loss": "train/value_loss",
        "loss/policy_entropy": "train/entropy",
        "policy_entropy": "train/entropy",
        "loss_ent": "train/entropy",
        "entropy": "train/entropy",
        "loss/approxkl": "train/kl_divergence",
        "approxkl": "train/kl_divergence",
        "loss_kl": "train/kl_divergence",
        "meankl": "train/kl_divergence",
        "loss/clipfrac": "train/clip_fraction",
        "clipfrac": "train/clip_fraction",
        "misc/explained_variance": "train/explained_variance",
        "explained_variance": "train/explained_variance",
        "ev_tdlam_before": "train/explained_variance",
        "lr": "train/learning_rate",
    },
    iterations=("misc/nupdates", "nupdates", "n_updates", "IterationsSoFar"),
)
SPINNING_UP = Framework(
    title="Spinning Up",
    signatures=_any("AverageEpRet", "TotalEnvInteracts", "AverageTestEpRet"),
    steps=("TotalEnvInteracts",),
    elapsed=("Time",),
    tags={
        "LossPi": "train/policy_loss",
        "LossV": "train/value_loss",
        "Entropy": "train/entropy",
        "KL": "train/kl_divergence",
        "ClipFrac": "train/clip_fraction",
        "AverageTestEpRet": "eval/mean_reward",
        "TestEpLen": "eval/mean_ep_length",
    },
    iterations=("Epoch",),
)
OMNISAFE = Framework(
    title="OmniSafe",
    signatures=_any("Metrics/EpRet"),
    steps=("TotalEnvSteps",),
    elapsed=("Time/Total",),
    tags={
        "Loss/Loss_pi": "train/policy_loss",
        "Loss/Loss_reward_critic": "train/value_loss",
        "Train/Entropy": "train/entropy",
        "Train/KL": "train/kl_divergence",
        "Train/LR": "train/learning_rate",
    },
    iterations=("Train/Epoch",),
)
RLKIT = Framework(
    title="rlkit",
    signatures=_any("exploration/num steps total", "evaluation/Average Returns", "Number of env steps total"),
    steps=("exploration/num steps total", "Number of env steps total"),
    elapsed=("time/total (s)", "Total Train Time (s)"),
    tags={
        "trainer/Policy Loss": "train/policy_loss",
        "evaluation/Average Returns": "eval/mean_reward",
        "evaluation/path length Mean": "eval/mean_ep_length",
    },
    iterations=("Epoch",),
)
GARAGE = Framework(
    title="garage or rllab",
    signatures=(*_any("TotalEnvSteps", "Evaluation/AverageReturn"), frozenset({"AverageReturn", "Iteration"})),
    steps=("TotalEnvSteps",),
    elapsed=("TotalTime", "Time"),
    tags={
        "policy/Entropy": "train/entropy",
        "Entropy": "train/entropy",
        "policy/KL": "train/kl_divergence",
        "MeanKL": "train/kl_divergence",
        "ExplainedVariance": "train/explained_variance",
    },
    iterations=("Evaluation/Iteration", "Iteration"),
)
FRAMEWORKS = (SB3, BASELINES, SPINNING_UP, OMNISAFE, RLKIT, GARAGE)
"""Known frameworks, those with the most distinctive columns first."""

UNKNOWN = Framework(
    title="an unknown program",
    signatures=(),
    steps=(*ENV_STEP_NAMES, "step", "steps"),
    elapsed=("time_elapsed", "elapsed"),
    tags={},
)
"""A table of any other program, imported only if the user selects the format."""

RLLIB_COLUMNS = frozenset({
    "training_iteration", "timesteps_total", "num_env_steps_sampled_lifetime", "episode_reward_mean", "time_total_s",
})  # fmt: skip
RLLIB_GROUPS = ("env_runners/", "hist_stats/", "info/learner/", "learners/")
"""Prefixes of other RLlib columns. A table of RLlib or Ray Tune has two of these groups or of the columns above."""


def framework_of(columns: Collection[str]) -> Framework | None:
    """Return the framework that wrote a table with these columns, or `None` if it is not in `FRAMEWORKS`."""
    have = {*columns}
    if is_rllib(have):
        return None
    return next((one for one in FRAMEWORKS if any(signature <= have for signature in one.signatures)), None)


def is_rllib(columns: Collection[str]) -> bool:
    """Return whether the columns of a table or the keys of a result are from RLlib or Ray Tune."""
    groups = {group for group in RLLIB_GROUPS if any(column.startswith(group) for column in columns)}
    return len(RLLIB_COLUMNS & {*columns} | groups) > 1


def step_column(framework: Framework, columns: Collection[str], where: object) -> tuple[str, bool]:
    """Choose the column that counts steps.

    Args:
        framework: Framework that wrote the table.
        columns: Columns of the table.
        where: File path for the error message.

    Returns:
        Name of the column, and whether it counts environment steps; otherwise it counts updates or epochs.

    Raises:
        ImportFormatError: No column counts steps.
    """
    for names, of_environment in ((framework.steps, True), (framework.iterations, False)):
        for name in names:
            if name in columns:
                return name, of_environment
    raise ImportFormatError(
        f"{where} is a table of {framework.title} with none of the columns that count steps: "
        f"{', '.join((*framework.steps, *framework.iterations))}. Its columns are {shown(columns)}. "
        "Rename the column that counts environment steps to 'step' and import with --format progress"
    )


def shown(columns: Collection[str]) -> str:
    """Return the column names for a message, shortened to the first ones if there are many."""
    most = 12
    names = [repr(name[:40]) for name in columns]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
