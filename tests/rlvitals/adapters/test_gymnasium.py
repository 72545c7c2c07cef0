"""The Gymnasium wrappers in every autoreset mode, compared with episodes counted by hand."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import SubprocVecEnv
from stable_baselines3.common.vec_env.base_vec_env import CloudpickleWrapper

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper, info_of
from rlvitals.errors import NotPicklableError
from rlvitals.records import Episode

MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP]


def episodes(monitor: TrainingMonitor) -> list[Episode]:
    return list(monitor.run.records("episodes"))


def cloudpickled(thing: Any) -> bytes:
    """Pickle an object like libraries that send functions to other processes."""
    return pickle.dumps(CloudpickleWrapper(lambda: thing))


def drive(env: Any, steps: int) -> None:
    env.reset(seed=1)
    for _ in range(steps):
        env.step(env.action_space.sample())


# ---------------------------------------------------------------------- one environment


def test_one_environment(walk: Any, monitor: TrainingMonitor) -> None:
    """Two episodes of four steps have a return, length, step and values from `info`."""
    env = VitalsWrapper(walk(info=lambda step: {"is_success": step == 4, "score": step}), monitor, info_keys=["score"])
    for _ in range(2):
        drive(env, 4)

    found = [(e.episode, e.reward, e.length, e.env_step, e.success, e.extra) for e in episodes(monitor)]
    assert found == [(0, 4.0, 4, 4, True, {"score": 4}), (1, 4.0, 4, 8, True, {"score": 4})]


def test_a_time_limit_truncates(walk: Any, monitor: TrainingMonitor) -> None:
    """An end by TimeLimit is a truncation, and an end in the same step as the limit is a termination."""
    for length, limit in ((9, 3), (3, 3)):
        drive(VitalsWrapper(gymnasium.wrappers.TimeLimit(walk(length), limit), monitor), 3)

    assert [e.termination_reason for e in episodes(monitor)] == ["truncated", "terminated"]


def test_an_unfinished_episode_is_not_recorded(walk: Any, monitor: TrainingMonitor) -> None:
    """Steps before an early reset are not recorded and do not count for the next episode."""
    env = VitalsWrapper(walk(), monitor)
    drive(env, 3)
    drive(env, 4)

    assert [(e.length, e.reward, e.env_step) for e in episodes(monitor)] == [(4, 4.0, 7)]


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version:UserWarning")
def test_the_checker_passes(walk: Any, monitor: TrainingMonitor) -> None:
    """Gymnasium's environment checker accepts a wrapped environment."""
    check_env(VitalsWrapper(walk(), monitor), skip_render_check=True)


def test_steps_continue_in_a_resumed_run(walk: Any, monitor: TrainingMonitor) -> None:
    """A new wrapper continues from the highest step of the monitor, unless `env_step` is passed."""
    monitor.advance(100)
    drive(VitalsWrapper(walk(), monitor), 4)
    drive(VitalsWrapper(walk(), monitor, env_step=1_000), 4)

    assert [e.env_step for e in episodes(monitor)] == [104, 1_004]


# ---------------------------------------------------------------------- several environments


@pytest.mark.parametrize("mode", MODES)
def test_every_sub_environment(walk: Any, monitor: TrainingMonitor, mode: AutoresetMode) -> None:
    """Environments of 2 and 3 steps are recorded with their own last info over twelve vector steps."""
    makers = [lambda n=n: walk(n, info=lambda step: {"category": f"kind {n}", "score": step}) for n in (2, 3)]
    env = VitalsVectorWrapper(SyncVectorEnv(makers, autoreset_mode=mode), monitor, info_keys=("score",))
    drive(env, 12)

    between = 1 if mode is AutoresetMode.NEXT_STEP else 0
    for index, length in enumerate((2, 3)):
        found = [e for e in episodes(monitor) if e.env_index == index]
        steps = range(length, 13, length + between)
        assert [e.env_step for e in found] == [2 * step for step in steps]
        told = {(e.length, e.reward, e.category, str(e.extra)) for e in found}
        assert told == {(length, float(length), f"kind {length}", str({"score": length}))}


def test_64_that_end_together(walk: Any, monitor: TrainingMonitor) -> None:
    """64 environments that end at the same step are 64 episodes."""
    drive(VitalsVectorWrapper(SyncVectorEnv([walk] * 64), monitor), 4)

    assert [(e.env_index, e.env_step) for e in episodes(monitor)] == [(index, 256) for index in range(64)]


def test_resets_by_mask(walk: Any, monitor: TrainingMonitor) -> None:
    """An environment that the loop resets before its end has no episode for the steps before."""
    env = VitalsVectorWrapper(SyncVectorEnv([walk, walk], autoreset_mode=AutoresetMode.DISABLED), monitor)
    drive(env, 2)
    env.reset(options={"reset_mask": np.array([True, False])})
    for done in ([False, True], [True, False]):
        for _ in range(2):
            env.step(env.action_space.sample())
        env.reset(options={"reset_mask": np.array(done)})

    assert [(e.env_index, e.length, e.env_step) for e in episodes(monitor)] == [(1, 4, 8), (0, 4, 12)]


@pytest.mark.parametrize("mode", MODES)
def test_recording_works_with_record_episode_statistics(
    walk: Any, monitor: TrainingMonitor, mode: AutoresetMode
) -> None:
    """Returns and lengths are the same with an inner RecordEpisodeStatistics."""
    inner = SyncVectorEnv([lambda: walk(truncates=True)] * 2, autoreset_mode=mode)
    drive(VitalsVectorWrapper(gymnasium.wrappers.vector.RecordEpisodeStatistics(inner), monitor), 9)

    assert {(e.length, e.reward, e.termination_reason) for e in episodes(monitor)} == {(4, 4.0, "truncated")}
    assert len(episodes(monitor)) == 4


def test_own_info_of_each() -> None:
    """Masks select the values of each environment, nested dicts are split, and values without a mask belong to all."""
    infos = {
        "score": np.array([1, 0]),
        "_score": np.array([True, False]),
        "parts": {"size": np.array([0.0, 0.5]), "_size": np.array([False, True])},
        "_parts": np.array([False, True]),
        "lives": np.array([3, 2]),
        "note": "for everybody",
    }

    assert [info_of(infos, index, 2) for index in range(2)] == [
        {"score": 1, "lives": 3},
        {"parts": {"size": 0.5}, "lives": 2},
    ]


# ---------------------------------------------------------------------- missing packages


@pytest.mark.parametrize(
    ("module", "missing", "extra"), [("gymnasium", "gymnasium", "gymnasium"), ("sb3", "stable_baselines3", "sb3")]
)
def test_a_missing_library_names_the_extra(module: str, missing: str, extra: str) -> None:
    """The error of an adapter without its library names the extra, and the package itself needs no extra."""
    script = f"""
import sys
import rlvitals.adapters
assert not {{"torch", "stable_baselines3", "gymnasium"}} & set(sys.modules)
sys.modules[{missing!r}] = None
from rlvitals.errors import MissingExtraError
try:
    import rlvitals.adapters.{module}
except MissingExtraError as error:
    print(error)
"""
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert f"rlvitals[{extra}]" in answer.stdout


# ---------------------------------------------------------------------- other processes, and copies


@pytest.mark.parametrize("send", [pickle.dumps, cloudpickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("what", ["monitor", "wrapper", "vector wrapper"])
def test_an_object_that_holds_a_run_cannot_be_sent(walk: Any, monitor: TrainingMonitor, send: Any, what: str) -> None:
    """The error explains the reason and the fix: record in the process that writes the run."""
    holders: dict[str, Callable[[], Any]] = {
        "monitor": lambda: monitor,
        "wrapper": lambda: VitalsWrapper(walk(), monitor),
        "vector wrapper": lambda: VitalsVectorWrapper(SyncVectorEnv([walk]), monitor),
    }
    with pytest.raises(NotPicklableError, match=r"cannot be copied or used in another process.*VitalsCallback"):
        send(holders[what]())


@pytest.mark.parametrize("context", ["forkserver", "spawn"])
def test_inside_of_an_async_vector(walk: Any, monitor: TrainingMonitor, context: str) -> None:
    """A recording wrapper cannot be created in another process."""
    with pytest.raises(NotPicklableError, match="Wrap the vector environment with VitalsVectorWrapper"):
        AsyncVectorEnv([lambda: VitalsWrapper(walk(), monitor)], context=context)


def test_inside_of_a_subproc_vec_env(walk: Any, monitor: TrainingMonitor) -> None:
    """A recording wrapper cannot be created in a process of Stable-Baselines3."""
    with pytest.raises(NotPicklableError, match="VitalsCallback"):
        SubprocVecEnv([lambda: VitalsWrapper(walk(), monitor)], start_method="forkserver")


def test_in_the_child_of_a_fork(tmp_path: Path) -> None:
    """In the child of a fork, which needs no pickling, the wrapper raises the same error."""
    script = """
import os, sys
import gymnasium
from rlvitals import TrainingMonitor
from rlvitals.errors import NotPicklableError
from rlvitals.adapters.gymnasium import VitalsWrapper
monitor = TrainingMonitor(sys.argv[1], session_name="run")
if not os.fork():
    try:
        VitalsWrapper(gymnasium.make("CartPole-v1"), monitor)
    except NotPicklableError as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
monitor.close()
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    assert answer.stdout.startswith("VitalsWrapper cannot be copied or used in another process")
