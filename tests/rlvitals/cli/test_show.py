"""`rlvitals show`."""

import math
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.testing.manual_clock import ManualClock

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


def trained(training: TrainingMonitor, episodes: int = 50) -> None:
    """A little of everything that can be said."""
    for number in range(episodes):
        training.log_episode(
            number,
            float(number),
            10,
            env_step=10 * number,
            success=number % 2 == 0,
            termination_reason="max_steps",
            category="text" if number % 5 else "a category with quite a long name, as users have them",
            quality_initial=0.8,
            quality_final=0.9,
        )
    for step in range(12):
        training.log_training_step(step=step, value_loss=1.0, entropy=0.5, explained_variance=-0.123456)
    training.log_evaluation(episodes, 12.5, 0.875, 0.75, eval_episodes=20, policy="defaults")
    training.log_metrics("logos", {"paths": 12})
    training.log_note("a note")


def section(shown: str, title: str) -> str:
    """What stands under a title."""
    return shown.partition(f"\n\n{title}")[2].partition("\n\n")[0]


def test_it_says_what_the_run_was(invoke: Invoke, monitor: Monitor) -> None:
    """Name, status, project, tags, command, versions and configuration, nested values by their path."""
    settings = {"learning_rate": 0.0003, "policy": {"layers": [64, 64]}}
    with monitor(configuration=settings, project_name="logos", tags=["baseline"]) as training:
        trained(training)
    shown = invoke("show", "run").stdout

    assert shown.splitlines()[0] == "run  completed  logos, baseline"
    assert "pytest" in section(shown, "Reproduction")
    assert "numpy " in section(shown, "Reproduction")
    assert section(shown, "Configuration").split() == ["learning_rate=0.0003", "policy.layers=[64,", "64]"]


def test_it_says_how_far_the_run_came(invoke: Invoke, monitor: Monitor) -> None:
    """The verdict of the overview, then how much was done, against its goals."""
    with monitor(total_timesteps=1_000, target=40.0) as training:
        trained(training)
    facts = [line.split(maxsplit=1) for line in section(invoke("show", "run").stdout, "Progress").splitlines()[1:]]

    assert [[name, said.strip()] for name, said in facts if name not in {"speed", "memory"}] == [
        [
            "verdict",
            "Improving. The reward rose over the run (50 episodes). "
            "Mean reward of the last 50 episodes: 24.5. Success rate of the last 50: 50 %.",
        ],
        ["episodes", "50"],
        ["steps", "490 of 1,000 (49 %)"],
        ["updates", "12"],
        ["target", "reward 40: reached"],
        ["lost", "nothing"],
    ]


@pytest.mark.parametrize(
    ("rewards", "verdict"),
    [
        ([0.0] * 20, "not reached"),
        ([0.0] * 18 + [9.0] * 2, "reached"),
        ([9.0] * 2 + [0.0] * 18, "reached, but not held"),
        ([math.nan] * 20, "not reached"),
    ],
)
def test_a_target_is_reached_when_the_last_tenth_does(
    invoke: Invoke, monitor: Monitor, rewards: list[float], verdict: str
) -> None:
    """A tenth that reached it earlier is not enough."""
    with monitor(target=9.0) as training:
        for number, reward in enumerate(rewards):
            training.log_episode(number, reward, 1)

    assert f"reward 9: {verdict}\n" in "\n".join(map(str.rstrip, invoke("show", "run").stdout.splitlines())) + "\n"


def test_it_says_how_episodes_were_at_first_at_last_and_at_best(invoke: Invoke, monitor: Monitor) -> None:
    """Rewards 0 to 49: the first tenth has a mean of 2, the last of 47."""
    with monitor() as training:
        trained(training)
    lines = section(invoke("show", "run").stdout, "Episodes").strip().splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}

    assert rows["first"] == ["tenth", "last", "tenth", "best", "5", "all"]
    assert rows["Reward"] == ["2", "47", "47", "24.5"]
    assert rows["Success"] == ["rate", "60", "%", "40", "%", "40", "%", "50", "%"]


def test_it_says_how_the_run_went(invoke: Invoke, monitor: Monitor) -> None:
    """By category, by end, the updates, the evaluations, the events."""
    with monitor() as training:
        trained(training)
    shown = invoke("show", "run").stdout

    assert ["text", "40", "80", "%"] in [line.split()[:4] for line in section(shown, "Categories").splitlines()]
    assert ["max_steps", "50", "100", "%"] in [line.split()[:4] for line in section(shown, "Ends").splitlines()]
    assert "Explained variance  -0.1235" in section(shown, "Updates")
    assert ["defaults", "-", "50", "12.5", "-", "0.875", "75", "%", "20"] in [
        line.split() for line in section(shown, "Evaluations").splitlines()
    ]
    assert "  note       a note" in section(shown, "Events")


def test_a_loss_that_is_not_finite_is_seen_with_the_step_since_when(invoke: Invoke, monitor: Monitor) -> None:
    """It is the most important datum of a run."""
    with monitor() as training:
        for step, loss in enumerate([0.5, math.nan, -math.inf]):
            training.log_training_step(step=1_000 * step, policy_loss=loss, env_step=1_000 * step)
    shown = section(invoke("show", "run").stdout, "Updates").splitlines()

    assert shown[-1].split() == ["Policy", "loss", "0.5", "0.5", "-Infinity", "2,", "since", "step", "1,000"]


def test_rewards_that_are_not_finite_are_seen_on_the_curve_and_counted(invoke: Invoke, monitor: Monitor) -> None:
    """A column without any finite reward has a mark of its own."""
    with monitor() as training:
        for number, reward in enumerate([0.0, 1.0, math.nan]):
            training.log_episode(number, reward, 1)
    shown = invoke("show", "run").stdout

    assert section(shown, "Reward").splitlines()[1].split() == ["▁█!"]
    assert "1 not finite" in section(shown, "Reward")
    assert ["not", "finite", "0", "1", "0", "1"] in [line.split() for line in section(shown, "Episodes").splitlines()]


def test_a_failed_run_ends_with_its_exception(invoke: Invoke, monitor: Monitor) -> None:
    """The frames above it, the message once, and last, where the eye is."""
    with pytest.raises(ValueError, match="banana"), monitor():
        int("a banana")
    lines = [line.rstrip() for line in invoke("show", "run").stdout.splitlines()]

    assert lines[0].startswith("run  failed")
    assert lines[-1] == "  ValueError: invalid literal for int() with base 10: 'a banana'"
    assert section("\n".join(lines), "Failure").count("banana") == 2  # the line of code, and the message


def test_what_was_lost_is_told(invoke: Invoke, monitor: Monitor) -> None:
    """By where it was lost."""
    training = monitor()
    training.close()
    header = training.run.header
    header.losses = {"records": 1_200, "tensorboard": 3}
    (training.path / "run.json").write_bytes(msgspec.json.encode(header))

    assert "lost      records 1,200, tensorboard 3" in invoke("show", "run").stdout


def test_a_live_run_says_what_is_left(invoke: Invoke, monitor: Monitor) -> None:
    """At its recent speed."""
    clock = ManualClock(time.time() - 50.0)
    with monitor(total_timesteps=2_000, clock=clock) as training:
        training.log_episode(0, 0.0, 1, env_step=500)
        clock.advance(50.0)
        training.log_episode(1, 0.0, 1, env_step=1_000)
        shown = invoke("show", "run").stdout

    assert "left      about 1m 40s" in shown
    assert "speed     10 steps a second over the run, 10 recently" in shown


def test_a_resumed_run_says_where_it_went_back_to(invoke: Invoke, monitor: Monitor) -> None:
    """And counts only the branch that goes on."""
    with monitor() as training:
        trained(training)
    with monitor(resume="must") as training:
        training.rewind(env_step=100)
    shown = invoke("show", "run").stdout

    assert "sessions  2; went back to env step 100" in shown
    assert ["episodes", "11"] in [line.split() for line in section(shown, "Progress").splitlines()]


def test_a_run_in_which_nothing_happened_is_shown_too(invoke: Invoke, monitor: Monitor) -> None:
    """Only what there is has a title."""
    monitor().close()
    shown = invoke("show", "run").stdout

    assert [line for line in shown.splitlines() if line and not line.startswith(" ")] == [
        "run  completed",
        "Reproduction",
        "Progress",
        "Events",
    ]


def test_metrics_that_came_with_the_episodes_are_shown_where_there_are_no_updates(
    invoke: Invoke, monitor: Monitor
) -> None:
    """Many loops log them so."""
    with monitor() as training:
        training.log_episode(0, 0.0, 1, algorithm_metrics={"entropy": math.nan})

    assert section(invoke("show", "run").stdout, "Algorithm").splitlines()[1].split() == ["entropy", "NaN"]


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_cut_on_a_terminal(invoke: Invoke, monitor: Monitor, columns: int) -> None:
    """Long texts are folded; no line is longer than the screen."""
    with monitor(configuration={"activation": "<class 'torch.nn.modules.activation.Tanh'>" * 3}) as training:
        trained(training)
        training.log_note("a long note that goes on " * 10 + "to its end")
    shown = invoke("show", "run", columns=columns).stdout

    assert max(map(len, shown.splitlines())) <= columns
    assert "…" not in shown
    assert "to its end" in " ".join(shown.split())


def test_a_pipe_gets_no_colour_and_whole_lines(invoke: Invoke, monitor: Monitor) -> None:
    """So that `grep` finds a note in one piece."""
    note = "a long note that goes on " * 10 + "to its end"
    with monitor() as training:
        training.log_note(note)
    shown = invoke("show", "run").stdout

    assert note in shown
    assert "\x1b" not in shown


def test_recorded_text_is_neither_markup_nor_control(invoke: Invoke, monitor: Monitor) -> None:
    """Whoever writes a run cannot steer the terminal of whoever reads it."""
    with monitor(tags=["\x1b]0;title\x07"], configuration={"a\x1b[2J": "[red]b"}) as training:
        training.log_note("[bold]note[/bold] \x1b[31m")
        training.log_episode(0, 0.0, 1, category="[/]\x1b[A")
    result = invoke("show", "run", columns=80)

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[bold]note[/bold] \\x1b[31m" in result.stdout


def test_json_is_strict_and_says_the_same(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """What JSON has no number for is spelled as in a run's files; what is absent is null."""
    with monitor(total_timesteps=1_000, configuration={"rate": math.inf}) as training:
        trained(training)
        training.log_training_step(step=12, value_loss=math.nan)
    document = invoke_json("show", "run")

    assert (document["status"], document["episodes"], document["updates"], document["env_step"]) == (
        "completed",
        50,
        13,
        490,
    )
    assert document["metrics"]["value_loss"]["last"] == "NaN"
    assert document["metrics"]["entropy"]["last"] is None
    assert document["configuration"] == {"rate": "Infinity"}
    assert document["goals"] == {"total_timesteps": 1_000}
    assert document["stretches"]["whole_run"]["measures"]["reward"]["mean"] == 24.5
    assert document["failure"] is None


def test_events_are_in_the_order_of_time(invoke: Invoke, monitor: Monitor) -> None:
    """What is told last need not have happened last."""
    with monitor() as training:
        training.log_event("late", "it was later")
        training.log_event("early", "it was earlier", time=training.session.start_time + 1e-6)
    shown = invoke("show", "run").stdout

    assert shown.index("it was earlier") < shown.index("it was later")
