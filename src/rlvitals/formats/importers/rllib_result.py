"""Conversion of RLlib and Ray Tune results, one per iteration, to records."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formatting import listed
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, codec_of
from rlvitals.records.step_names import RLLIB_STEP_NAMES
from rlvitals.records.synonyms import RLLIB_LEARNER, RLLIB_OLD_LEARNER, update_field
from rlvitals.records.tag_reader import scalar_records

_SHOWN = 10
STEPS_OLD = ("num_env_steps_sampled", "num_steps_sampled", "counters/num_env_steps_sampled", "agent_timesteps_total")

_LEARNER = re.compile(r"(?:info/)?learners?/(?P<policy>[^/]+)/(?:learner_stats/)?(?P<name>[^/]+)")
_ALL_POLICIES = {"__all_modules__", "__all__"}
_HISTORIES = ("env_runners/hist_stats/", "hist_stats/", "sampler_results/hist_stats/")
_READ = {f"{above}{name}" for above in _HISTORIES for name in ("episode_reward", "episode_lengths")}
_NEW_EPISODES = ("env_runners/episodes_this_iter", "episodes_this_iter", "sampler_results/episodes_this_iter")
_TOTAL_EPISODES = ("env_runners/episodes_total", "episodes_total")
_EVALUATION = {
    "reward": ("evaluation/env_runners/episode_return_mean", "evaluation/episode_reward_mean"),
    "length": ("evaluation/env_runners/episode_len_mean", "evaluation/episode_len_mean"),
    "episodes": ("evaluation/env_runners/num_episodes", "evaluation/episodes_this_iter"),
}
_CONFIG = "config/"
_REPEATED = "sampler_results/"
"""Prefix under which the old API stack repeats the numbers."""
_TIME, _ELAPSED, _ITERATION = "timestamp", "time_total_s", "training_iteration"


def flattened(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested dicts under names joined with `/`, as in Tune's tables."""
    for key, value in tree.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and not (not above and key == _CONFIG.rstrip("/")):
            yield from flattened(value, f"{name}/")
        else:
            yield name, value


class ResultReader:
    """Converter from results to records. Results must be passed in order.

    Args:
        file: Path of the file, for messages and for its modification time.
        configuration: Receives the settings of the first result if it is empty.
        warnings: Collector for missing data.
    """

    def __init__(self, file: Path, configuration: dict[str, Any], warnings: ImportWarnings) -> None:
        self._file = file
        self._configuration = configuration
        self._warnings = warnings
        self._has_settings = "env" in configuration
        self._step = 0
        self._time: float | None = None
        self._episodes = 0
        self._episodes_total = 0
        self._evaluated: dict[str, float | None] = {}
        self._left_out: dict[str, None] = {}
        self._texts: dict[str, str] = {}

    def records(self, result: dict[str, Any], where: str) -> Iterator[Record]:
        """Yield the records of one result.

        Args:
            result: Flattened result.
            where: File and line for messages.

        Raises:
            ImportFormatError: The result has no step count.
            RecordError: A record cannot hold a value.
        """
        self._take_settings(result)
        iteration = _whole(result.get(_ITERATION))
        env_step = next(
            (step for key in (*RLLIB_STEP_NAMES, *STEPS_OLD) if (step := _whole(result.get(key))) is not None), None
        )
        if env_step is None:
            if iteration is None:
                raise ImportFormatError(
                    f"{where}: the result has no steps. Add the column that counts environment steps under one of "
                    f"these names: {', '.join((*RLLIB_STEP_NAMES, _ITERATION))}"
                )
            self._warnings.add(
                f"{self._file} has no environment steps; the import uses {_ITERATION!r} as the step.",
                file=str(self._file),
            )
        step = iteration if env_step is None else env_step
        time = self._moment(result)
        lasted = _number(result.get("time_this_iter_s", result.get(_ELAPSED))) or 0.0
        began = (self._step, time - lasted if self._time is None else self._time)
        if env_step is not None and env_step < self._step:
            self._warnings.add(
                f"{where}: the steps decrease from {self._step} to {env_step}, as after a restore from a "
                "checkpoint; the import keeps all results.",
                file=str(self._file),
            )
            began = (env_step, time)
        yield from self._episodes_of(result, began, env_step, time, where)
        yield from self._evaluation(result, env_step, time)
        clocks = {"time": time, "step": step, "env_step": env_step}
        yield from self._update(result, clocks, iteration)
        yield from self._scalars(result, clocks)
        self._step, self._time = env_step if env_step is not None else self._step, time

    def last(self) -> Iterator[Record]:
        """Yield an event with the text values of the results, and warn about values that were left out."""
        if self._left_out:
            self._warnings.add(
                f"{self._file}: not imported because these are not single numbers: "
                f"{listed([*self._left_out], _SHOWN)}.",
                keys=[*self._left_out][:1_000],
            )
        if self._texts and self._time is not None:
            said = {"time": self._time, "kind": "trial", "message": f"results of {self._file.name}", "severity": "info"}
            yield codec_of(Event).pack({**said, "data": dict(self._texts)})[0]

    def _take_settings(self, result: dict[str, Any]) -> None:
        config = result.pop("config", None)
        flat = {key: result.pop(key) for key in [key for key in result if key.startswith(_CONFIG)]}
        if not self._has_settings:
            self._has_settings = True
            config = config if isinstance(config, dict) else {}
            config |= {key.removeprefix(_CONFIG): value for key, value in flat.items() if value is not None}
            for name, value in config.items():
                self._configuration.setdefault(name, value)
        environment = self._configuration.get("env")
        if isinstance(environment, str) and environment:
            self._configuration.setdefault("env_id", environment)

    def _moment(self, result: Mapping[str, Any]) -> float:
        stamp = _number(result.get(_TIME))
        if stamp is not None:
            return stamp
        elapsed = _number(result.get(_ELAPSED))
        if elapsed is None:
            self._warnings.add(
                f"{self._file} has neither {_TIME} nor {_ELAPSED}; the import uses the file's date for its records.",
                file=str(self._file),
            )
        return self._file.stat().st_mtime + (elapsed or 0.0)

    def _episodes_of(
        self, result: dict[str, Any], began: tuple[int, float], env_step: int | None, time: float, where: str
    ) -> Iterator[Record]:
        """Yield the episodes that ended in this iteration, which are the last entries of cumulative lists.

        Step and time of each episode are interpolated within the iteration in proportion to the episode lengths.
        """
        rewards, lengths = (_history(result, name) for name in ("episode_reward", "episode_lengths"))
        if not rewards and not lengths:
            return
        new = self._new_episodes(result)
        what = ""
        if new is None:
            what = "does not report how many of the episodes in hist_stats are new"
        elif len(rewards) != len(lengths):
            what = f"has {len(rewards)} rewards and {len(lengths)} lengths of episodes in hist_stats"
        elif None in map(_number, rewards) or None in map(_whole, lengths):
            what = "has episode rewards or lengths in hist_stats that are not numbers"
        if new is None or what:
            self._warnings.add(f"{where} {what}; the import leaves the episodes of this iteration out.")
            return
        if new > len(rewards):
            self._warnings.add(
                f"{where}: {new} episodes ended in this iteration, but hist_stats holds only {len(rewards)}; the "
                "remaining ones are missing."
            )
        rewards, lengths = (
            rewards[len(rewards) - min(new, len(rewards)) :],
            lengths[len(lengths) - min(new, len(lengths)) :],
        )
        whole, so_far = sum(lengths) or 1, 0
        end = began[0] + sum(lengths) if env_step is None else env_step
        for reward, length in zip(rewards, lengths, strict=True):
            so_far += length
            share = so_far / whole
            said = {
                "time": began[1] + share * (time - began[1]),
                "episode": self._episodes,
                "reward": reward,
                "length": length,
                "env_step": began[0] + round(share * (end - began[0])),
            }
            yield codec_of(Episode).pack(said)[0]
            self._episodes += 1

    def _new_episodes(self, result: Mapping[str, Any]) -> int | None:
        new = next((_whole(result[key]) for key in _NEW_EPISODES if result.get(key) is not None), None)
        total = next((_whole(result[key]) for key in _TOTAL_EPISODES if result.get(key) is not None), None)
        if total is not None:
            new = total - self._episodes_total if new is None else new
            self._episodes_total = total
        return new if new is None or new >= 0 else None

    def _evaluation(self, result: Mapping[str, Any], env_step: int | None, time: float) -> Iterator[Record]:
        """Yield the evaluation of this iteration unless the result repeats the previous one."""
        found = {
            field: next((number for key in keys if (number := _number(result.get(key))) is not None), None)
            for field, keys in _EVALUATION.items()
        }
        if found["reward"] is not None and found != self._evaluated:
            self._evaluated = found
            episodes = _whole(found["episodes"])
            said = {**found, "time": time, "episode": self._episodes, "env_step": env_step, "episodes": episodes}
            yield codec_of(Evaluation).pack(said)[0]

    def _update(self, result: dict[str, Any], clocks: dict[str, Any], iteration: int | None) -> Iterator[Record]:
        found = [(match, key) for key in result if (match := _LEARNER.fullmatch(key)) is not None]
        policies = {match["policy"] for match, _ in found} - _ALL_POLICIES
        if len(policies) != 1:  # with several policies, each statistic stays a scalar under its own name
            return
        fields: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for match, key in found:
            number = _number(result[key])
            if match["policy"] in policies and number is not None:
                target = _learner_field(match["name"])
                if target is None or target in fields:
                    extra[match["name"]] = number
                else:
                    fields[target] = number
                del result[key]
        if fields:
            yield codec_of(PolicyUpdate).pack({**clocks, "update": iteration, **fields, "extra": extra or None})[0]
        elif extra:
            result |= {f"learners/{next(iter(policies))}/{name}": number for name, number in extra.items()}

    def _scalars(self, result: Mapping[str, Any], clocks: dict[str, Any]) -> Iterator[Record]:
        numbers: dict[str, float] = {}
        for key, value in result.items():
            if value is None or key.startswith(_REPEATED) or key in _READ:
                continue
            number = _number(value)
            if number is None:
                self._keep_apart(key, value)
            else:
                numbers[key] = number
        yield from scalar_records(numbers, **clocks)

    def _keep_apart(self, key: str, value: Any) -> None:
        if isinstance(value, str):
            self._texts[key] = value
        elif value not in ([], {}):
            self._left_out[key] = None


def _learner_field(name: str) -> str | None:
    """Return the field of `PolicyUpdate` for a learner statistic of either API stack."""
    target = update_field(RLLIB_LEARNER + name) or update_field(RLLIB_OLD_LEARNER + name)
    return None if target is None else target.field


def _history(result: Mapping[str, Any], name: str) -> list[Any]:
    found: list[Any] = next((result[key + name] for key in _HISTORIES if isinstance(result.get(key + name), list)), [])
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, int | float) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and math.isfinite(number) and number >= 0 else None
