"""`rlvitals stats`."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from typer.testing import Result

from rlvitals import TrainingMonitor

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


def trained(training: TrainingMonitor, episodes: int = 200) -> None:
    """A reward that climbs to 0.5, with the best colour at 4."""
    draws = np.random.default_rng(0)
    for number in range(episodes):
        skill = min(1.0, number / 100)
        colour = int(draws.integers(1, 8))
        training.log_episode(
            number,
            skill - 0.1 * (colour - 4) ** 2 + 0.1 * float(draws.normal()),
            10,
            env_step=10 * number,
            success=number % 4 != 0,
            category="text" if number % 2 else "simple",
            termination_reason="target" if number % 5 == 0 else "max_steps",
            parameters={"colour": colour, "other": float(draws.random())},
            time=1e9 + number,
        )
    training.log_training_step(5, math.nan, 0.5, 1.0, time=1e9)
    for policy, height in ((None, 0.5), ("defaults", 0.25)):
        items = {f"logo {number}": {"reward": height + 0.01 * number} for number in range(20)}
        training.log_evaluation(episodes, height, items=items, policy=policy)


def row(shown: str, title: str, name: str) -> list[str]:
    """The words of a row of a table."""
    section = shown.partition(f"\n{title}")[2]
    return next(line for line in section.splitlines() if line.split()[: len(name.split())] == name.split()).split()


def test_a_run_is_summed_up(invoke: Invoke, monitor: Monitor) -> None:
    """Spread, course, success, types, ends, updates, baselines."""
    with monitor(target=5.0) as training:
        trained(training)
    shown = invoke("stats", "run").stdout

    assert shown.splitlines()[0] == "run  completed  200 episodes, 1 updates, 1,990 steps"
    assert row(shown, "Trends", "Reward")[1] == "improving"
    assert row(shown, "Success", "rate")[1:3] == ["75", "%"]
    assert "150 of 200 episodes" in shown
    assert row(shown, "Success", "reward 5")[2:4] == ["not", "reached"]
    assert row(shown, "By type", "text")[1:4] == ["100", "100", "%"]
    assert row(shown, "How episodes ended", "target")[1:] == ["40", "20", "%"]
    assert row(shown, "Updates", "Policy loss")[-1] == "1"
    assert row(shown, "Against baselines", "reward")[1:3] == ["defaults", "better"]
    assert "Parameters" not in shown


def test_parameters_are_looked_into_on_request(invoke: Invoke, monitor: Monitor) -> None:
    """What was tried, and what drives the reward."""
    with monitor() as training:
        trained(training, 600)
    shown = invoke("stats", "run", "--parameters").stdout

    assert row(shown, "Parameters:", "colour")[1:3] == ["1", "7"]
    assert row(shown, "What drives reward", "colour")[1:4] == ["best", "inside", "4"]


def test_the_end_of_a_run_alone(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """The last so many episodes and updates."""
    with monitor() as training:
        trained(training)
    found = invoke_json("stats", "run", "--window", "20")

    assert (found["window"], found["episodes"], found["measures"]["reward"]["counts"]["total"]) == (20, 20, 20)


def test_json_is_strict(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Also where there is nothing, and where a value is not finite."""
    with monitor("empty"):
        pass
    with monitor("bad") as training:
        training.log_episode(0, math.inf, 1)
    empty, bad = invoke_json("stats", "empty"), invoke_json("stats", "bad", "--parameters")

    assert (empty["episodes"], empty["measures"], empty["success"]["rate"]) == (0, {}, None)
    assert bad["measures"]["reward"]["counts"]["positive_infinity"] == 1
    assert bad["measures"]["reward"]["mean"]["estimate"] is None
    assert bad["exploration"] is None


def test_an_empty_run_has_little_to_say(invoke: Invoke, monitor: Monitor) -> None:
    """And nothing fails."""
    with monitor():
        pass

    result = invoke("stats", "run", "--parameters")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "run  completed  0 episodes, 0 updates")


def test_who_survives_longer_does_not_get_worse(invoke: Invoke, monitor: Monitor) -> None:
    """For an episode's duration neither way is better; a straight line has no noise that it could be measured in."""
    with monitor() as training:
        for number in range(200):
            training.log_episode(number, 0.1 * number, 10, duration=0.1 + 0.01 * number)
    shown = invoke("stats", "run").stdout

    assert re.search(r"Episode duration \(s\) +rising .* no noise ", shown)
    assert re.search(r"Reward +improving .* no noise ", shown)


def test_an_interval_stands_in_brackets(invoke: Invoke, monitor: Monitor) -> None:
    """Behind the number that it is of."""
    rng = np.random.default_rng(0)
    with monitor() as training:
        for number in range(200):
            training.log_episode(number, rng.normal() + number / 50, 10, category="ab"[number % 2])

    assert re.search(r"by skill \S+ \(\S+ to \S+\)", invoke("stats", "run").stdout)
