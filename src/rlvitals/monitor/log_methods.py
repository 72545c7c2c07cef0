"""What a training loop can say: the `log_*` calls, each of which makes one record."""

import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from rlvitals.clock import Clock
from rlvitals.errors import ClosedError, RecordError
from rlvitals.recording.name_hints import NameHints
from rlvitals.recording.recorder import Recorder
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars
from rlvitals.records.coercion import DICT_WANTED, coerce, shown
from rlvitals.records.schema import Column, Field
from rlvitals.records.synonyms import evaluation_field, take_synonyms, with_field_names

_log = logging.getLogger("rlvitals")

_ENV_STEP = Field("env_step", Column.COUNT, required=True)
_TOO_LARGE = 2**63
_EVALUATION_FIELDS = frozenset(Evaluation.__struct_fields__) - {"time", "writer", "episode", "reward", "quality"}


class Logbook:
    """Makes records of what a training loop says, and hands them to a recorder. Safe from any thread.

    Args:
        recorder: Takes the records.
        clock: Tells the time, where the caller does not.
    """

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._hints = NameHints()

    @property
    def env_step(self) -> int | None:
        """The furthest environment step that was said; `None` before the first."""
        return self._recorder.window.env_step

    @property
    def last_episode(self) -> int | None:
        """The number of the last episode; `None` before the first."""
        return self._recorder.window.last_episode

    def log_episode(
        self,
        episode: int,
        reward: float,
        length: int,
        quality_improvement: float | None = None,
        quality_final: float | None = None,
        quality_initial: float | None = None,
        termination_reason: str | None = None,
        success: bool | None = None,
        algorithm_metrics: Mapping[str, float] | None = None,
        performance_metrics: Mapping[str, float] | None = None,
        additional_info: Mapping[str, Any] | None = None,
        *,
        time: float | None = None,
        env_step: int | None = None,
        category: str | None = None,
        difficulty: str | float | None = None,
        duration: float | None = None,
        memory: float | None = None,
        env_index: int | None = None,
        reward_parts: Mapping[str, float] | None = None,
        parameters: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Episode:
        """Record one finished episode.

        Args:
            episode: Its number.
            reward: Its return: the undiscounted sum of rewards.
            length: Its environment steps.
            quality_improvement: Final less initial quality; worked out where both are given and this is not.
            quality_final: The quality that was reached.
            quality_initial: The quality that it began with.
            termination_reason: Why it ended (`max_steps`, `goal`, ...); missing in the record when omitted.
            success: Whether it reached its goal; missing in the record when omitted, which is not the same as `False`.
            algorithm_metrics: Metrics of the algorithm at that moment (`policy_loss`, `entropy`, ...), under the names
                of `log_training_step` or of another program (`approx_kl`, ...: see `records.synonyms`).
            performance_metrics: `episode_time` (seconds), `memory_usage` (MiB), and others.
            additional_info: `logo_type`, `difficulty`, `parameters_explored`, and anything else, nested dicts too.
            time: When it ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training when it ended.
            category: Its kind, for example the logo's type.
            difficulty: How hard it was; kept as text.
            duration: Seconds that it took.
            memory: Memory of the process, MiB.
            env_index: Which of several environments it ran in.
            reward_parts: The reward's parts, by name.
            parameters: The parameters that were tried.
            info: Anything else that is not flat.
            extra: The user's own numbers, flags and short texts.
            **more: The same, for those who would rather name them here.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        if quality_improvement is None and quality_final is not None and quality_initial is not None:
            quality_improvement = _difference(quality_final, quality_initial)
        if additional_info is not None:
            rest = _dict_of("additional_info", additional_info, episode)
            category = rest.pop("logo_type", None) if category is None else category
            difficulty = rest.pop("difficulty", None) if difficulty is None else difficulty
            if parameters is None and isinstance(rest.get("parameters_explored"), Mapping):
                parameters = rest.pop("parameters_explored")
            info = _joined(rest, info) if info is not None else rest
        if performance_metrics is not None:
            measured = _dict_of("performance_metrics", performance_metrics, episode)
            duration = measured.pop("episode_time", None) if duration is None else duration
            memory = measured.pop("memory_usage", None) if memory is None else memory
            more = {**measured, **more}
        if algorithm_metrics is not None:
            algorithm_metrics = with_field_names(_dict_of("algorithm_metrics", algorithm_metrics, episode))
            self._hint_at(algorithm_metrics, PolicyUpdate)
        if more:
            self._hint_at(more, Episode)
            extra = _joined(extra, more)
        return self._recorder.record(
            Episode,
            {
                "time": self._clock.time() if time is None else time,
                "episode": episode,
                "reward": reward,
                "length": length,
                "env_step": env_step,
                "termination_reason": termination_reason,
                "success": success,
                "quality_initial": quality_initial,
                "quality_final": quality_final,
                "quality_improvement": quality_improvement,
                "category": category,
                "difficulty": difficulty,
                "duration": duration,
                "memory": memory,
                "env_index": env_index,
                "reward_parts": None if reward_parts is None else _filled(reward_parts),
                "parameters": None if parameters is None else _filled(parameters),
                "algorithm": None if algorithm_metrics is None else _filled(algorithm_metrics),
                "extra": None if extra is None else _filled(extra),
                "info": None if info is None else _filled(info),
            },
        )

    def log_training_step(  # noqa: C901, PLR0912 - one branch a field that few loops say
        self,
        step: int,
        policy_loss: float | None = None,
        value_loss: float | None = None,
        entropy: float | None = None,
        kl_divergence: float | None = None,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
        *,
        time: float | None = None,
        env_step: int | None = None,
        update: int | None = None,
        clip_fraction: float | None = None,
        explained_variance: float | None = None,
        gradient_norm_max: float | None = None,
        gradient_norm_limit: float | None = None,
        clip_range: float | None = None,
        loss: float | None = None,
        action_std: float | None = None,
        action_bound_fraction: float | None = None,
        advantage_mean: float | None = None,
        advantage_std: float | None = None,
        value_mean: float | None = None,
        return_mean: float | None = None,
        return_std: float | None = None,
        reward_mean: float | None = None,
        epochs: float | None = None,
        duration: float | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> PolicyUpdate:
        """Record one update of the policy.

        Args:
            step: The environment step, or the number of the update: the training's own clock.
            policy_loss: The clipped surrogate loss.
            value_loss: The loss of the value function.
            entropy: The policy's entropy, nats (not the entropy loss, which is its negative).
            kl_divergence: Approximate KL divergence between the old policy and the new.
            learning_rate: Step size of the optimiser.
            gradient_norm: L2 norm of the gradient before clipping.
            time: When it ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training, where `step` is another clock.
            update: The number of the update.
            clip_fraction: Share of samples whose probability ratio was clipped, 0 to 1.
            explained_variance: 1 - Var[returns - values] / Var[returns], at most 1.
            gradient_norm_max: The largest of the minibatches' gradient norms; `gradient_norm` is their mean.
            gradient_norm_limit: The norm to which gradients are clipped.
            clip_range: The range to which the probability ratio is clipped: 1 +/- this.
            loss: The total loss.
            action_std: Mean standard deviation of a Gaussian policy's actions.
            action_bound_fraction: Share of the rollout's action components at a bound of the action space, 0 to 1.
            advantage_mean: Mean advantage of the rollout, before normalisation.
            advantage_std: Standard deviation of the rollout's advantages, before normalisation.
            value_mean: Mean value estimate of the rollout.
            return_mean: Mean return (advantage plus value) of the rollout.
            return_std: Standard deviation of the rollout's returns.
            reward_mean: Mean reward of a step of the rollout.
            epochs: Epochs really done; fewer than asked for where `target_kl` stopped them.
            duration: Seconds that the update took.
            extra: The user's own numbers, flags and short texts.
            **more: The same, for those who would rather name them here. What other programs call a field (`approx_kl`,
                `clipfrac`, `grad_norm`, `train/approx_kl`, ...: see `records.synonyms`) is that field, whatever numeric
                type it has. A name that misspells a known one is kept in `extra`, with one warning per name.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        values: dict[str, Any] = {
            "time": self._clock.time() if time is None else time,
            "step": step,
            "env_step": env_step,
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "kl_divergence": kl_divergence,
            "learning_rate": learning_rate,
            "gradient_norm": gradient_norm,
        }
        # One by one, as a check of a dozen fields that are absent would take longer than writing the others.
        if update is not None:
            values["update"] = update
        if clip_fraction is not None:
            values["clip_fraction"] = clip_fraction
        if explained_variance is not None:
            values["explained_variance"] = explained_variance
        if gradient_norm_max is not None:
            values["gradient_norm_max"] = gradient_norm_max
        if gradient_norm_limit is not None:
            values["gradient_norm_limit"] = gradient_norm_limit
        if clip_range is not None:
            values["clip_range"] = clip_range
        if loss is not None:
            values["loss"] = loss
        if action_std is not None:
            values["action_std"] = action_std
        if action_bound_fraction is not None:
            values["action_bound_fraction"] = action_bound_fraction
        if advantage_mean is not None:
            values["advantage_mean"] = advantage_mean
        if advantage_std is not None:
            values["advantage_std"] = advantage_std
        if value_mean is not None:
            values["value_mean"] = value_mean
        if return_mean is not None:
            values["return_mean"] = return_mean
        if return_std is not None:
            values["return_std"] = return_std
        if reward_mean is not None:
            values["reward_mean"] = reward_mean
        if epochs is not None:
            values["epochs"] = epochs
        if duration is not None:
            values["duration"] = duration
        if more:
            self._hint_at(more, PolicyUpdate, take_synonyms(more, values))
            extra = _joined(extra, more)
        if extra is not None:
            values["extra"] = _filled(extra)
        return self._recorder.record(PolicyUpdate, values)

    def log_evaluation(
        self,
        episode: int,
        eval_reward: float,
        eval_quality: float | None = None,
        eval_success_rate: float | None = None,
        eval_episodes: int = 1,
        *,
        time: float | None = None,
        **fields: Any,
    ) -> Evaluation:
        """Record one evaluation.

        Args:
            episode: Episodes of training before it.
            eval_reward: Mean return.
            eval_quality: Mean quality.
            eval_success_rate: Share of episodes that succeeded, 0 to 1.
            eval_episodes: Episodes that were evaluated.
            time: When (UTC, seconds since 1970); now by default.
            **fields: Any other field of `records.Evaluation` (`env_step`, `policy`, `reward_std`, `categories`,
                `items`, ...), also under another program's name (`std_reward`, `mean_ep_length`); numbers under other
                names are kept in `extra`.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        if not fields.keys() <= _EVALUATION_FIELDS:
            own = {name: fields.pop(name) for name in list(fields) if name not in _EVALUATION_FIELDS}
            self._hint_at(own, Evaluation, take_synonyms(own, fields, evaluation_field))
            if own:
                fields["extra"] = _joined(fields.get("extra"), own)
        return self._recorder.record(
            Evaluation,
            {
                "time": self._clock.time() if time is None else time,
                "episode": episode,
                "reward": eval_reward,
                "quality": eval_quality,
                "success_rate": eval_success_rate,
                "episodes": eval_episodes,
                **fields,
            },
        )

    def log_metrics(
        self,
        category: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Scalars:
        """Record metrics of the user's own.

        Args:
            category: What they are about; any short text.
            metrics: Numbers, flags and short texts by name.
            step: The step that they belong to; by default the furthest environment step that was said.
            env_step: The environment step, where that is another clock.
            time: When (UTC, seconds since 1970); now by default.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        return self._recorder.record(
            Scalars,
            {
                "time": self._clock.time() if time is None else time,
                "step": (self.env_step or 0) if step is None else step,
                "env_step": env_step,
                "category": category,
                "values": metrics,
            },
        )

    def log_event(
        self,
        kind: str,
        message: str,
        *,
        severity: str = "info",
        code: str | None = None,
        env_step: int | None = None,
        episode: int | None = None,
        data: Mapping[str, Any] | None = None,
        time: float | None = None,
    ) -> Event:
        """Record something that happened once.

        Args:
            kind: What sort of thing: `note`, `milestone`, `state`, or the user's own.
            message: What, in one sentence.
            severity: `info`, `warning` or `critical`.
            code: A stable name for programs.
            env_step: The environment step; by default the furthest that was said.
            episode: The episode.
            data: Anything else; may be nested.
            time: When (UTC, seconds since 1970); now by default.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        masking = self._recorder.session.masking
        return self._recorder.record(
            Event,
            {
                "time": self._clock.time() if time is None else time,
                "kind": kind,
                "message": masking.text(message) if isinstance(message, str) else message,  # type: ignore[redundant-expr]
                "severity": severity,
                "code": code,
                "env_step": self.env_step if env_step is None else env_step,
                "episode": episode,
                "data": data,
            },
        )

    def log_note(self, text: str) -> Event:
        """Record a note in the user's own words.

        Returns:
            The record, as it was kept.

        Raises:
            ClosedError: The monitor is closed.
        """
        return self.log_event("note", text)

    def progress(self, env_step: int) -> None:
        """Say how far the training is, between two records; costs next to nothing, and writes nothing.

        Args:
            env_step: Environment steps of the whole training so far.

        Raises:
            RecordError: It is no whole number from 0 to 2**63 - 1.
        """
        if type(env_step) is not int or not 0 <= env_step < _TOO_LARGE:
            env_step = coerce(_ENV_STEP, env_step, "progress")
        self._recorder.window.advance(env_step)

    def _hint_at(self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None) -> None:
        """Log and record a hint at each name that is not understood, once per name."""
        for name, hint in self._hints.new(own, kind, refused):
            _log.warning("%s: %s", self._recorder.session.header.run_id, hint)
            with contextlib.suppress(ClosedError):  # the record itself is then refused
                self.log_event("metric", hint, severity="warning", code="metric-name", data={"name": name})


def _joined(first: Any, then: Any) -> Any:
    """Both together. What is not a dict stays as it is: the record refuses it, and says why."""
    both: dict[str, Any] = {}
    for given in (first, then):
        if given is None:
            continue
        if not isinstance(given, Mapping):
            return given
        try:
            both |= dict(given)
        except Exception:  # noqa: BLE001 - a foreign type may raise anything
            return given
    return both


def _filled(given: Any) -> Any:
    """A dict, or `None` for an empty one, which is absent; its length is asked of no other type."""
    return None if isinstance(given, Mapping) and not given else given


def _difference(final: Any, initial: Any) -> Any:
    """The quality gained; `None` where one of the two is not a number, which the record then refuses."""
    try:
        return final - initial
    except Exception:  # noqa: BLE001 - a foreign type may raise anything
        return None


def _dict_of(name: str, given: Any, episode: Any) -> dict[str, Any]:
    try:
        if isinstance(given, Mapping):
            return dict(given)
    except Exception as error:  # noqa: BLE001 - the same
        why = f"cannot be read ({type(error).__name__}: {error})"
    else:
        why = "must be a dict"
    number = episode if type(episode) is int else shown(episode)
    raise RecordError(f"Episode {number}: {name} {why}, got {shown(given)}; {DICT_WANTED}")
