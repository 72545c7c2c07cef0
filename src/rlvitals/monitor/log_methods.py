"""The calls by which a training loop reports: each `log_*` call makes one record."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from rlvitals.monitor.event_methods import EventMethods
from rlvitals.monitor.given_dicts import dict_of, difference, filled, joined
from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record
from rlvitals.records.synonyms import evaluation_field, take_synonyms, with_field_names

_EVALUATION_FIELDS = frozenset(Evaluation.__struct_fields__) - {"time", "writer", "episode", "reward", "quality"}


class LogMethods(EventMethods, ABC):
    """The calls by which a training loop reports. Holds no state: the abstract members are all that the calls need.

    Every call may come from any thread and returns the record as it was kept.
    """

    @abstractmethod
    def _check_names(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> None:
        """Warn about metric names that look like a misspelled field, once per name.

        Args:
            own: Metrics under names that no field has.
            kind: Class of the record that they are given for.
            refused: The field of each familiar name whose value is not one number.
        """

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
            episode: Episode number.
            reward: Return: the undiscounted sum of rewards.
            length: Environment steps of the episode.
            quality_improvement: Final minus initial quality; computed where both are given and this is not.
            quality_final: Quality at the end.
            quality_initial: Quality at the start.
            termination_reason: Why the episode ended (`max_steps`, `goal`, ...); missing in the record when omitted.
            success: Whether it reached its goal; missing in the record when omitted, which differs from `False`.
            algorithm_metrics: Metrics of the algorithm at that moment (`policy_loss`, `entropy`, ...), under the names
                of `log_training_step` or of another program (`approx_kl`, ...: see `records.synonyms`).
            performance_metrics: `episode_time` (seconds), `memory_usage` (MiB), and others.
            additional_info: `logo_type`, `difficulty`, `parameters_explored`, and anything else, nested dicts too.
            time: When the episode ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training when it ended.
            category: Category of the episode, such as the level or the type of task.
            difficulty: Difficulty; kept as text.
            duration: Duration, seconds.
            memory: Memory of the process, MiB.
            env_index: Index of the environment among several.
            reward_parts: Parts of the reward by name.
            parameters: Parameters tried in the episode.
            info: Anything else that is not flat.
            extra: Your own numbers, flags and short texts.
            **more: Entries for `extra`.

        Returns:
            The record as it was kept.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        if quality_improvement is None and quality_final is not None and quality_initial is not None:
            quality_improvement = difference(quality_final, quality_initial)
        if additional_info is not None:
            rest = dict_of("additional_info", additional_info, episode)
            category = rest.pop("logo_type", None) if category is None else category
            difficulty = rest.pop("difficulty", None) if difficulty is None else difficulty
            if parameters is None and isinstance(rest.get("parameters_explored"), Mapping):
                parameters = rest.pop("parameters_explored")
            info = joined(rest, info) if info is not None else rest
        if performance_metrics is not None:
            measured = dict_of("performance_metrics", performance_metrics, episode)
            duration = measured.pop("episode_time", None) if duration is None else duration
            memory = measured.pop("memory_usage", None) if memory is None else memory
            more = {**measured, **more}
        if algorithm_metrics is not None:
            algorithm_metrics = with_field_names(dict_of("algorithm_metrics", algorithm_metrics, episode))
            self._check_names(algorithm_metrics, PolicyUpdate)
        if more:
            self._check_names(more, Episode)
            extra = joined(extra, more)
        return self._record(
            Episode,
            {
                "time": time,
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
                "reward_parts": None if reward_parts is None else filled(reward_parts),
                "parameters": None if parameters is None else filled(parameters),
                "algorithm": None if algorithm_metrics is None else filled(algorithm_metrics),
                "extra": None if extra is None else filled(extra),
                "info": None if info is None else filled(info),
            },
        )

    def log_training_step(  # noqa: C901, PLR0912 - one branch for each field that few loops report
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
            step: Environment step or number of the update: the training's own clock.
            policy_loss: Clipped surrogate loss.
            value_loss: Loss of the value function.
            entropy: Entropy of the policy, nats (not the entropy loss, which is its negative).
            kl_divergence: Approximate KL divergence between the old policy and the new.
            learning_rate: Step size of the optimiser.
            gradient_norm: L2 norm of the gradient before clipping.
            time: When the update ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training, where `step` is another clock.
            update: Number of the update.
            clip_fraction: Share of samples whose probability ratio was clipped, 0 to 1.
            explained_variance: 1 - Var[returns - values] / Var[returns], at most 1.
            gradient_norm_max: Largest of the minibatches' gradient norms; `gradient_norm` is their mean.
            gradient_norm_limit: Norm to which gradients are clipped.
            clip_range: Range to which the probability ratio is clipped: 1 +/- this.
            loss: Total loss.
            action_std: Mean standard deviation of a Gaussian policy's actions.
            action_bound_fraction: Share of the rollout's action components at a bound of the action space, 0 to 1.
            advantage_mean: Mean advantage of the rollout, before normalisation.
            advantage_std: Standard deviation of the rollout's advantages, before normalisation.
            value_mean: Mean value estimate of the rollout.
            return_mean: Mean return (advantage plus value) of the rollout.
            return_std: Standard deviation of the rollout's returns.
            reward_mean: Mean reward of a step of the rollout.
            epochs: Epochs done; fewer than requested where `target_kl` stopped them.
            duration: Duration of the update, seconds.
            extra: Your own numbers, flags and short texts.
            **more: Entries for `extra`. A field under another program's name (`approx_kl`, `clipfrac`, `grad_norm`,
                `train/approx_kl`, ...: see `records.synonyms`) is that field, whatever numeric type it has. A name that
                misspells a known one is kept in `extra`, with one warning per name.

        Returns:
            The record as it was kept.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        values: dict[str, Any] = {
            "time": time,
            "step": step,
            "env_step": env_step,
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "kl_divergence": kl_divergence,
            "learning_rate": learning_rate,
            "gradient_norm": gradient_norm,
        }
        # One by one: checking a dozen absent fields in the record would take longer than writing the others.
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
            self._check_names(more, PolicyUpdate, take_synonyms(more, values))
            extra = joined(extra, more)
        if extra is not None:
            values["extra"] = filled(extra)
        return self._record(PolicyUpdate, values)

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
            eval_episodes: Number of episodes evaluated.
            time: When the evaluation ended (UTC, seconds since 1970); now by default.
            **fields: Any other field of `records.Evaluation` (`env_step`, `policy`, `reward_std`, `categories`,
                `items`, ...), also under another program's name (`std_reward`, `mean_ep_length`). Other names are kept
                in `extra`.

        Returns:
            The record as it was kept.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        if not fields.keys() <= _EVALUATION_FIELDS:
            own = {name: fields.pop(name) for name in list(fields) if name not in _EVALUATION_FIELDS}
            self._check_names(own, Evaluation, take_synonyms(own, fields, evaluation_field))
            if own:
                fields["extra"] = joined(fields.get("extra"), own)
        return self._record(
            Evaluation,
            {
                "time": time,
                "episode": episode,
                "reward": eval_reward,
                "quality": eval_quality,
                "success_rate": eval_success_rate,
                "episodes": eval_episodes,
                **fields,
            },
        )
