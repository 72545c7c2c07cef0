"""Logging methods for training loops. Each `log_*` call stores one record."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from rlvitals.monitor.event_methods import EventMethods
from rlvitals.monitor.given_dicts import dict_of, difference, filled, joined
from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record
from rlvitals.records.synonyms import evaluation_field, take_synonyms, with_field_names

_EVALUATION_FIELDS = frozenset(Evaluation.__struct_fields__) - {"time", "writer", "episode", "reward", "quality"}


class LogMethods(EventMethods, ABC):
    """Logging methods for training loops. The class has no state and uses only its abstract members.

    Every method is thread-safe and returns the stored record.
    """

    @abstractmethod
    def _check_names(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> None:
        """Warn about metric names that look like a misspelled field, once per name.

        Args:
            own: Metrics whose names are not field names.
            kind: Record class of the metrics.
            refused: Field name for each known name whose value is not a single number.
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
        attempts: Sequence[Mapping[str, Any]] | None = None,
        info: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Episode:
        """Record one finished episode.

        Args:
            episode: Episode number.
            reward: Episode return: the undiscounted sum of rewards.
            length: Length of the episode, in environment steps.
            quality_improvement: Final minus initial quality. Default: computed if both are passed.
            quality_final: Quality at the end of the episode.
            quality_initial: Quality at the start of the episode.
            termination_reason: Reason why the episode ended (`max_steps`, `goal`, ...). Default: not reported.
            success: Whether the episode reached its goal. Default: not reported, which differs from `False`.
            algorithm_metrics: Metrics of the algorithm at the end of the episode (`policy_loss`, `entropy`, ...), under
                the names of `log_training_step` or of other libraries (`approx_kl`, ...: see `records.synonyms`).
            performance_metrics: `episode_time` (seconds), `memory_usage` (MiB), and further numbers for `extra`.
            additional_info: `logo_type` (the category), `difficulty`, `parameters_explored`, and further values for
                `info`, which can be nested.
            time: End time of the episode (UTC, seconds since 1970). Default: now.
            env_step: Environment steps of the whole training when the episode ended.
            category: Category of the episode, such as its level or type of task.
            difficulty: Difficulty of the episode, stored as text.
            duration: Duration of the episode, in seconds.
            memory: Memory used by the process, in MiB.
            env_index: Index of the environment in a vectorised environment.
            reward_parts: Components of the reward by name.
            parameters: Parameters of the episode by name, such as those of a search.
            attempts: Attempts of the episode in order, if it makes several. Each is a dict with its `parameters`, its
                `reward`, and any objective by name: `{"parameters": {"speed": 2}, "reward": 0.4, "size": 310}`.
                Effects of parameters are then analysed for each attempt.
            info: Further values, which can be nested.
            extra: Custom numbers, booleans and short texts by name.
            **more: Further entries of `extra`.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.log_episode(1, reward=21.0, length=21, env_step=21, success=False)
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
                "attempts": attempts,
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
        """Record one policy update.

        Args:
            step: Step of the update on the training's own counter: environment steps, or the update number.
            policy_loss: Clipped surrogate loss.
            value_loss: Loss of the value function.
            entropy: Policy entropy, in nats (not the entropy loss, which is its negative).
            kl_divergence: Approximate KL divergence between the old and the new policy, in nats.
            learning_rate: Step size of the optimiser.
            gradient_norm: L2 norm of the gradient before clipping.
            time: End time of the update (UTC, seconds since 1970). Default: now.
            env_step: Environment steps of the whole training, if `step` is another counter.
            update: Update number.
            clip_fraction: Share of samples whose probability ratio was clipped, 0 to 1.
            explained_variance: 1 - Var[returns - values] / Var[returns], at most 1.
            gradient_norm_max: Largest gradient norm of the minibatches. `gradient_norm` is their mean.
            gradient_norm_limit: Norm to which gradients are clipped.
            clip_range: Half-width of the interval around 1 to which the probability ratio is clipped.
            loss: Total loss.
            action_std: Mean standard deviation of the actions of a Gaussian policy.
            action_bound_fraction: Share of action components in the rollout at a bound of the action space, 0 to 1.
            advantage_mean: Mean advantage of the rollout, before normalisation.
            advantage_std: Standard deviation of the advantages of the rollout, before normalisation.
            value_mean: Mean value estimate of the rollout.
            return_mean: Mean return (advantage plus value) of the rollout.
            return_std: Standard deviation of the returns of the rollout.
            reward_mean: Mean reward per step of the rollout.
            epochs: Number of epochs completed, lower than planned if `target_kl` stopped the update.
            duration: Duration of the update, in seconds.
            extra: Custom numbers, booleans and short texts by name.
            **more: Further entries of `extra`. Names of other libraries (`approx_kl`, `clipfrac`, `grad_norm`,
                `train/approx_kl`, ...: see `records.synonyms`) are mapped to the fields above, for any numeric type. A
                misspelled field name is kept in `extra`, with one warning per name.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.log_training_step(2_048, policy_loss=-0.01, value_loss=0.4, entropy=1.3, approx_kl=0.008)
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
        # Separate branches, because validating a dozen missing fields takes longer than writing the remaining ones.
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
            episode: Number of training episodes before the evaluation.
            eval_reward: Mean return of the evaluation episodes.
            eval_quality: Mean quality of the evaluation episodes.
            eval_success_rate: Share of successful evaluation episodes, 0 to 1.
            eval_episodes: Number of evaluation episodes.
            time: End time of the evaluation (UTC, seconds since 1970). Default: now.
            **fields: Further fields of `records.Evaluation` (`env_step`, `policy`, `reward_std`, `categories`, `items`,
                ...), also under the names of other libraries (`std_reward`, `mean_ep_length`). Other names are kept in
                `extra`.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.log_evaluation(200, eval_reward=187.5, eval_episodes=20, reward_std=14.2, env_step=40_000)
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
