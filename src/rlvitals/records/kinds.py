"""The six kinds of record of a training run. All records are immutable.

Every record has a `time` (UTC, seconds since 1970) and a `writer`: the number of the writer in `run.json` (1 unless the
run was resumed). A field that is `None` was not reported ("absent"), which differs from NaN.

The constructors do not validate. `records.codec` validates each record once, when it is written or read.
"""

import sys
from typing import Annotated, Any

import msgspec

MAX_TEXT = 1_000
"""Maximum length of a text in a record, in characters. Longer text is truncated with a note."""
MAX_KEYS = 1_000
"""Maximum number of entries of a dict in a record."""

_LARGEST = 2**63 - 1

_GREATEST = sys.float_info.max

Number = Annotated[float, msgspec.Meta(ge=-_GREATEST, le=_GREATEST)]
"""Any float, including NaN and infinity. Non-finite numbers, which JSON cannot represent, fail the bounds in msgspec's
fast validation, and the codec then takes the slow path."""
Count = Annotated[int, msgspec.Meta(ge=0, le=_LARGEST)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Integer = Annotated[int, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
Value = Integer | Number | bool | Text
Values = Annotated[dict[Text, Value], msgspec.Meta(max_length=MAX_KEYS)]
Numbers = Annotated[dict[Text, Number], msgspec.Meta(max_length=MAX_KEYS)]
Json = dict[str, Any]
MAX_ATTEMPTS = 10_000
"""Maximum number of attempts of an episode."""
Attempt = Annotated[dict[Text, Value | Values], msgspec.Meta(max_length=MAX_KEYS)]
"""One attempt of an episode: its `parameters`, its `reward`, and any objective by name."""
Attempts = Annotated[list[Attempt], msgspec.Meta(min_length=1, max_length=MAX_ATTEMPTS)]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base class of all records.

    Attributes:
        time: Time of the record (UTC, seconds since 1970).
        writer: Number of the writer in `run.json`. Absent if it is 1.
    """

    time: Number
    writer: Annotated[int, msgspec.Meta(ge=1, le=_LARGEST)] = 1


class Episode(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One finished episode.

    Attributes:
        termination_reason: Why the episode ended.
        category: Category of the task, such as the kind of image.
        difficulty: Difficulty of the task.
        reward_parts: Parts of the reward, by name.
        parameters: Parameters that the episode tried, by name.
        attempts: Attempts of the episode: parameters, reward and objectives of each.
        algorithm: Metrics of the algorithm, by name.
        extra: Other values, by name.
        info: Other data as a tree.
    """

    episode: Count
    reward: Number
    length: Count
    env_step: Count | None = None
    termination_reason: Text | None = None
    success: bool | None = None
    quality_initial: Number | None = None
    quality_final: Number | None = None
    quality_improvement: Number | None = None
    category: Text | None = None
    difficulty: Text | None = None
    duration: Number | None = None
    memory: Number | None = None
    env_index: Count | None = None
    reward_parts: Numbers | None = None
    parameters: Values | None = None
    attempts: Attempts | None = None
    algorithm: Numbers | None = None
    extra: Values | None = None
    info: Json | None = None


class PolicyUpdate(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One PPO update: all epochs over one rollout. Losses and norms are means over its minibatches.

    Attributes:
        extra: Other values, by name.
    """

    step: Count
    env_step: Count | None = None
    update: Count | None = None
    policy_loss: Number | None = None
    value_loss: Number | None = None
    entropy: Number | None = None
    kl_divergence: Number | None = None
    clip_fraction: Number | None = None
    explained_variance: Number | None = None
    learning_rate: Number | None = None
    gradient_norm: Number | None = None
    gradient_norm_max: Number | None = None
    gradient_norm_limit: Number | None = None
    clip_range: Number | None = None
    loss: Number | None = None
    action_std: Number | None = None
    action_bound_fraction: Number | None = None
    advantage_mean: Number | None = None
    advantage_std: Number | None = None
    value_mean: Number | None = None
    return_mean: Number | None = None
    return_std: Number | None = None
    reward_mean: Number | None = None
    epochs: Number | None = None
    duration: Number | None = None
    extra: Values | None = None


class Evaluation(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One evaluation of a policy over one or more episodes.

    `policy` is absent for the agent in training and the name of the baseline otherwise. `categories` and `items` hold
    the same metrics for each category and each item (such as an image of a test set), which allows paired comparisons.

    Attributes:
        policy: Name of the baseline. Absent for the agent in training.
        extra: Other values, by name.
        categories: Metrics of each category.
        items: Metrics of each item.
    """

    episode: Count
    reward: Number | None = None
    quality: Number | None = None
    success_rate: Number | None = None
    episodes: Count | None = None
    env_step: Count | None = None
    policy: Text | None = None
    reward_std: Number | None = None
    quality_std: Number | None = None
    length: Number | None = None
    duration: Number | None = None
    extra: Values | None = None
    categories: Json | None = None
    items: Json | None = None


class SystemSample(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Machine load and training speed at one time.

    Attributes:
        extra: Other values, by name.
    """

    env_step: Count | None = None
    episode: Count | None = None
    memory: Number | None = None
    memory_available: Number | None = None
    cpu_percent: Number | None = None
    threads: Count | None = None
    gpu_utilization: Number | None = None
    gpu_memory: Number | None = None
    env_steps_per_second: Number | None = None
    episodes_per_minute: Number | None = None
    extra: Values | None = None


class Scalars(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Custom metrics at one step, under a custom category name.

    Attributes:
        step: Step of the values.
        category: Name of the group of metrics.
        values: Values, by name.
        env_step: Number of environment steps.
    """

    step: Count
    category: Text
    values: Values
    env_step: Count | None = None


class Event(Record, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One event: a note, a milestone, a finding, a status change or a sink failure.

    Attributes:
        kind: Kind of event, such as note, milestone, finding or action.
        message: Text of the event.
        severity: info, warning or critical.
        code: Code of the finding, action or milestone.
        env_step: Number of environment steps.
        episode: Episode number.
        data: Details, by name.
    """

    kind: Text
    message: Text
    severity: Text | None = None
    code: Text | None = None
    env_step: Count | None = None
    episode: Count | None = None
    data: Json | None = None


STREAMS: dict[str, type[Record]] = {
    "episodes": Episode,
    "updates": PolicyUpdate,
    "evaluations": Evaluation,
    "system": SystemSample,
    "scalars": Scalars,
    "events": Event,
}
"""Record class of each stream. The name of a stream is also the name of its folder."""

STREAM_OF: dict[type[Record], str] = {kind: name for name, kind in STREAMS.items()}
