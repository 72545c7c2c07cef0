"""Tests of `rlvitals show`."""

import math
import re
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.testing.manual_clock import ManualClock

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


def trained(training: TrainingMonitor, episodes: int = 50) -> None:
    """Log a few records of every kind."""
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


def climbing(training: TrainingMonitor, episodes: int = 200) -> None:
    """Log rewards that rise to 0.5 and are highest for colour 4."""
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


def section(shown: str, title: str) -> str:
    """Return the text under a title, up to the next title."""
    return re.split(r"\n\n(?=\S)", f"{shown.partition(f'{title}')[2]}")[0]


def row(shown: str, title: str, name: str) -> list[str]:
    """Return the words of a row under a title or caption."""
    below = shown.partition(f"{title}\n")[2]
    return next(line for line in below.splitlines() if line.split()[: len(name.split())] == name.split()).split()


def test_the_output_starts_with_the_verdict(invoke: Invoke, monitor: Monitor) -> None:
    """Name, status, project and tags are followed by the verdict with the health and by the key facts."""
    with monitor(project_name="logos", tags=["baseline"], total_timesteps=1_000) as training:
        trained(training)
    lines = invoke("show", "run").stdout.splitlines()

    assert lines[0] == "run  completed  logos, baseline"
    assert re.match(r"● \S.*  health \d+ of 100$", lines[2])
    assert any(re.match(r"  reward +24.5 +last 50", line) for line in lines)
    assert any(re.match(r"  steps +490 +49 % of 1,?000, 12 updates", line) for line in lines)


def test_full_shows_every_section(invoke: Invoke, monitor: Monitor) -> None:
    """The short document omits distributions, trends, configuration and packages."""
    with monitor(configuration={"policy": {"layers": [64, 64]}}) as training:
        trained(training)
    short, full = invoke("show", "run").stdout, invoke("show", "run", "--full").stdout

    for title in ("Findings", "Reward and episodes", "Policy updates", "The run"):
        assert f"\n\n{title}\n" in short
        assert f"\n\n{title}\n" in full
    for only in (
        "Distribution over the episodes",
        "Trends over the episodes",
        "Configuration and reproduction",
        "numpy==",
    ):
        assert only not in short
        assert only in full
    assert row(full, "Configuration", "policy.layers")[1:] == ["[64,", "64]"]
    assert "pytest" in section(full, "Command")
    assert short.splitlines()[-1] == "More: rlvitals show run --full, or check, watch, report."


@pytest.mark.parametrize("options", [(), ("--full",)])
def test_the_comparison_with_baselines_comes_before_the_metrics(
    invoke: Invoke, monitor: Monitor, options: tuple[str, ...]
) -> None:
    """The comparison follows the findings, with one row per baseline."""
    with monitor() as training:
        climbing(training)
    shown = invoke("show", "run", *options).stdout

    titles = ("Findings", "Comparison with baselines", "Reward and episodes")
    order = [shown.index(f"\n\n{title}\n") for title in titles]
    assert order == sorted(order)
    assert row(shown, "Comparison with baselines", "defaults")[:2] == ["defaults", "better"]


def test_stats_is_an_alias_of_show_full(invoke: Invoke, monitor: Monitor) -> None:
    """Both commands print the same output."""
    with monitor() as training:
        trained(training)

    assert invoke("stats", "run").stdout == invoke("show", "run", "--full").stdout


def test_the_full_output_summarises_all_records(invoke: Invoke, monitor: Monitor) -> None:
    """It covers trends, success rates, categories, episode ends, updates and baselines."""
    with monitor(target=5.0) as training:
        climbing(training)
    shown = invoke("show", "run", "--full").stdout

    trends = "Trends over the episodes; since and change points are positions in episodes"
    assert row(shown, trends, "Reward")[1] == "improving"
    assert "75 % (68.6 % to 80.5 %): 150 of 200 episodes" in shown
    assert re.search(r"Reward 5 +not reached", shown)
    assert row(shown, "By category, over the whole run", "text")[1:4] == ["100", "100", "%"]
    assert "Episode ends" in shown
    assert re.search(r"\n +target .*40, 20 %", shown)
    assert row(shown, "Distribution over the updates", "Policy loss")[-1] == "1"
    assert row(shown, "item by item", "reward")[1:3] == ["defaults", "better"]
    assert re.search(r"within categories \S+ \(\S+ to \S+\)", shown)


def test_parameters_are_analysed_on_request(invoke: Invoke, monitor: Monitor) -> None:
    """The analysis is also in the short document."""
    with monitor() as training:
        climbing(training, 600)
    shown = invoke("show", "run", "--parameters").stdout

    assert row(shown, "in 600 episodes", "colour")[1:3] == ["1", "7"]
    assert row(shown, "Parameters with an effect", "Reward")[3:7] == ["colour", "best", "inside", "4"]
    assert "Explored parameters" not in invoke("show", "run").stdout
    assert "Add --parameters" in section(invoke("show", "run", "--full").stdout, "Explored parameters")


def test_window_restricts_the_output_to_the_last_records(
    invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor
) -> None:
    """Every table names its window."""
    with monitor() as training:
        climbing(training)
    shown, found = invoke("show", "run", "--window", "20").stdout, invoke_json("show", "run", "--window", "20")

    assert (found["window"], found["episodes"], found["measures"]["reward"]["counts"]["total"]) == (20, 20, 20)
    assert "Distribution over the last 20 episodes" in shown
    assert re.search(r"Last 20 +75 % ", shown)
    assert "Over the run" not in shown
    assert re.search(r"\n +step 1,800 +1,990\n", shown)  # the axis of the curve


def test_the_first_and_last_hundred_episodes_are_compared(invoke: Invoke, monitor: Monitor) -> None:
    """For rewards 0 to 249 the means are 49.5 and 199.5."""
    with monitor() as training:
        trained(training, 250)
    shown = invoke("show", "run").stdout
    headings = row(shown, "Reward and episodes", "mean of")

    assert headings[2:6] == ["first", "100", "last", "100"]
    assert row(shown, "Reward and episodes", "Reward")[:1] == ["Reward"]
    assert re.search(r"\n  Reward +49.5 +199.5 +.* 124.5 +\S+\n", shown)
    assert re.search(r"\n  Success rate +50 % +50 % +.* 50 %", shown)


def test_categories_ends_updates_and_evaluations_are_shown(invoke: Invoke, monitor: Monitor) -> None:
    """The output also lists the events."""
    with monitor() as training:
        trained(training)
    shown = invoke("show", "run").stdout

    assert row(shown, "By category, over the whole run", "text")[:4] == ["text", "40", "50", "%"]
    assert re.search(r"\n +max_steps +50 +100 %\n", shown)
    assert re.search(r"Explained variance +▄+( +-0.1235){4} +0 to 1: below\n", shown)  # first, low, high, last
    assert row(shown, "Evaluations", "defaults")[1:3] == ["50", "12.5"]
    assert re.search(r"  note +info +a note\n", shown)


def test_non_finite_rewards_are_marked_and_counted(invoke: Invoke, monitor: Monitor) -> None:
    """The curve marks their position."""
    with monitor() as training:
        for number, reward in enumerate([0.0, 1.0, math.nan]):
            training.log_episode(number, reward, 1, env_step=number + 1)
    shown = section(invoke("show", "run").stdout, "Reward and episodes")

    assert "1 NaN of 3 values" in shown
    assert re.search(r"\n +!\n", shown)


def test_a_non_finite_loss_is_reported_with_its_first_step(invoke: Invoke, monitor: Monitor) -> None:
    """It is a finding, and the row of the metric counts it."""
    with monitor() as training:
        for step, loss in enumerate([0.5, math.nan, -math.inf]):
            training.log_training_step(step=1_000 * step, policy_loss=loss, env_step=1_000 * step)
    shown = invoke("show", "run").stdout

    assert "since step 1,000" in section(shown, "Findings")
    assert "1 NaN, 1 -Infinity of 3 values" in section(shown, "Policy updates")


def test_a_failed_run_shows_its_exception(invoke: Invoke, monitor: Monitor) -> None:
    """The verdict has the exception, and the traceback ends with the message."""
    with pytest.raises(ValueError, match="banana"), monitor():
        int("a banana")
    shown = invoke("show", "run").stdout
    ended = section(shown, "Exception that ended the run").rstrip().splitlines()

    assert shown.startswith("run  failed")
    assert shown.splitlines()[3].strip().startswith("ValueError: invalid literal")
    assert ended[-1] == "  |  ValueError: invalid literal for int() with base 10: 'a banana'"
    assert "\n".join(ended).count("banana") == 2  # the line of code, and the message


def test_dropped_records_are_reported(invoke: Invoke, monitor: Monitor) -> None:
    """The finding and the verdict report them by sink, without a separate line."""
    training = monitor()
    training.close()
    assert "records dropped" not in invoke("show", "run").stdout
    header = training.run.header
    header.dropped_records = {"records": 1_200, "tensorboard": 3}
    (training.path / "run.json").write_bytes(msgspec.json.encode(header))

    shown = " ".join(invoke("show", "run").stdout.split())

    assert shown.count("1,200 records dropped, 3 records dropped by tensorboard.") == 2
    assert shown.count("records dropped") == 4


def test_a_live_run_shows_the_remaining_time(invoke: Invoke, monitor: Monitor) -> None:
    """The estimate uses the recent speed."""
    clock = ManualClock(time.time() - 50.0)
    with monitor(total_timesteps=2_000, clock=clock) as training:
        training.log_episode(0, 0.0, 1, env_step=500)
        clock.advance(50.0)
        training.log_episode(1, 0.0, 1, env_step=1_000)
        shown = invoke("show", "run").stdout

    assert "about 1m 40s left" in shown


def test_a_resumed_run_shows_its_rewind(invoke: Invoke, monitor: Monitor) -> None:
    """Only records of the current branch are counted."""
    with monitor() as training:
        trained(training)
    with monitor(resume="must") as training:
        training.rewind(env_step=100)
    shown = invoke("show", "run").stdout

    assert re.search(r"Sessions +2, rewound to env step 100\n", shown)
    assert re.search(r"\n  episodes +11 ", shown)


def test_an_empty_run_is_shown(invoke: Invoke, monitor: Monitor) -> None:
    """It is not judged, and only sections with content have a title."""
    monitor().close()
    result = invoke("show", "run")
    titles = [line for line in result.stdout.splitlines() if line and not line.startswith(" ")]

    assert titles[1] == "● No episodes or updates  health not judged"
    assert titles[2:-1] == ["Findings", "Reward and episodes", "Events and notes", "The run"]
    assert invoke("show", "run", "--full", "--parameters").exit_code == 0


def test_algorithm_metrics_of_episodes_are_shown_without_updates(invoke: Invoke, monitor: Monitor) -> None:
    """Many training loops log metrics this way."""
    with monitor() as training:
        training.log_episode(0, 0.0, 1, algorithm_metrics={"entropy": math.nan})

    assert row(invoke("show", "run").stdout, "Policy updates", "Entropy") == ["Entropy", "NaN"]


def test_a_longer_episode_is_not_called_worse(invoke: Invoke, monitor: Monitor) -> None:
    """Episode duration has no better direction, and a straight line has no noise."""
    with monitor() as training:
        for number in range(200):
            training.log_episode(number, 0.1 * number, 10, duration=0.1 + 0.01 * number)
    shown = invoke("show", "run", "--full").stdout

    assert re.search(r"Episode duration \(s\) +rising .* no noise ", shown)
    assert re.search(r"Reward +improving .* no noise ", shown)


@pytest.mark.parametrize("words", [[], ["--full"]])
@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_truncated_on_a_terminal(invoke: Invoke, monitor: Monitor, columns: int, words: list[str]) -> None:
    """Long texts wrap between words, and no line is too long or ends with spaces."""
    with monitor(configuration={"activation": "<class 'torch.nn.modules.activation.Tanh'>" * 3}) as training:
        trained(training)
        training.log_note("a long note that goes on " * 10 + "to its end")
    shown = invoke("show", "run", *words, columns=columns).stdout

    assert max(map(len, shown.splitlines())) <= columns
    assert not [line for line in shown.splitlines() if line != line.rstrip()]
    assert "…" not in shown
    assert "its" in shown.split()
    assert shown.split().count("goes") == 10


def test_a_pipe_gets_unfolded_lines_without_colour(invoke: Invoke, monitor: Monitor) -> None:
    """A note stays on one line, so that `grep` finds it."""
    note = "a long note that goes on " * 10 + "to its end"
    with monitor() as training:
        training.log_note(note)
    shown = invoke("show", "run").stdout

    assert note in shown
    assert "\x1b" not in shown


def test_recorded_text_is_escaped(invoke: Invoke, monitor: Monitor) -> None:
    """Recorded text cannot control the terminal of the reader."""
    with monitor(tags=["\x1b]0;title\x07"], configuration={"a\x1b[2J": "[red]b"}) as training:
        training.log_note("[bold]note[/bold] \x1b[31m")
        training.log_episode(0, 0.0, 1, category="[/]\x1b[A")
    result = invoke("show", "run", "--full", columns=80)

    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "[bold]note[/bold]" in result.stdout
    assert "\\x1b[31m" in result.stdout
    assert "a\\x1b[2J" in result.stdout


def test_json_is_strict_and_complete(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """It has the overview, header, summary, findings and last records; `stats` prints the same keys."""
    with monitor(total_timesteps=1_000, configuration={"rate": math.inf}) as training:
        trained(training)
        training.log_training_step(step=12, value_loss=math.nan)
    found = invoke_json("show", "run")

    assert [found[name] for name in ("run_id", "status", "episodes", "updates", "env_step")] == [
        "run",
        "completed",
        50,
        13,
        490,
    ]
    assert found["configuration"] == {"rate": "Infinity"}
    assert (found["goals"], found["failure"]) == ({"total_timesteps": 1_000}, None)
    assert found["levels"]["reward"]["mean"] == 24.5
    assert found["measures"]["reward"]["mean"]["estimate"] == pytest.approx(24.5)
    assert found["metrics"]["value_loss"]["counts"]["nan"] == 1
    assert found["diagnosis"]["findings"][0]["code"] == "non-finite"
    assert found["diagnosis"]["health_score"] == found["health"]["score"]
    assert (found["evaluations_total"], found["evaluations"][0]["policy"]) == (1, "defaults")
    assert "completed" in [event["message"] for event in found["events"]]
    assert found["curves"]["value_loss"][-1] == "NaN"
    assert invoke_json("stats", "run").keys() == found.keys()


def test_custom_metrics_are_shown(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """The short output has the first 12, the full output and JSON have all."""
    with monitor() as training:
        for step in range(3):
            training.log_metrics("my", {f"metric_{number:02}": number * step for number in range(14)}, step=step)
    short, full = (invoke("show", "run", *words).stdout for words in ((), ("--full",)))

    assert re.search(r"\n  my/metric_01 +2 +1 +0 +2 +3\n", section(short, "Custom metrics"))
    assert "2 more metrics: `rlvitals show RUN --full` lists all." in section(short, "Custom metrics")
    assert ("my/metric_12" in short, "my/metric_13" in full, "more metric" in full) == (False, True, False)
    assert len(invoke_json("show", "run")["custom_metrics"]) == 14


def test_json_of_an_empty_run_has_null_values(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Missing values are null, and no command fails."""
    with monitor("empty"):
        pass
    with monitor("bad") as training:
        training.log_episode(0, math.inf, 1)
    empty, bad = invoke_json("show", "empty"), invoke_json("show", "bad", "--parameters")

    assert (empty["episodes"], empty["measures"], empty["success"]["rate"], empty["health"]["score"]) == (
        0,
        {},
        None,
        None,
    )
    assert bad["measures"]["reward"]["counts"]["positive_infinity"] == 1
    assert bad["measures"]["reward"]["mean"]["estimate"] is None
    assert bad["exploration"] is None


def test_json_contains_algorithm_metrics_of_episodes(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """The values are those of the last episode."""
    with monitor() as training:
        for number in range(3):
            training.log_episode(number, 0.0, 1, algorithm_metrics={"entropy": float(number)})

    assert invoke_json("show", "run")["algorithm"] == {"entropy": 2.0}


def test_events_are_sorted_by_time(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Only the last events are shown, and all are counted."""
    with monitor() as training:
        for number in range(20):
            training.log_note(f"note {number}")
        training.log_event("late", "it was later")
        training.log_event("early", "it was earlier", time=training.session.start_time + 1e-6)
    shown, found = invoke("show", "run").stdout, invoke_json("show", "run")

    assert shown.index("it was earlier") < shown.index("it was later")
    assert "The last 8 of 24" in shown
    assert (found["events_total"], len(found["events"])) == (24, 10)


def test_a_study_is_shown_with_its_best_trial(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """The text has trials instead of episodes, and the JSON has the best trial."""
    with monitor("study", configuration={"study": "study", "directions": ["minimize"]}) as training:
        for number in range(30):
            training.log_episode(
                number, -float(number + 1), 1, termination_reason="complete", parameters={"rate": 0.5 * number}
            )
    text = invoke("show", "study").stdout

    assert text.splitlines()[2].startswith("● Best value: 1 ")
    assert "trial 0, minimize" in text
    assert "pisode" not in text
    assert invoke_json("show", "study")["best_trial"] == {
        "number": 0,
        "value": 1.0,
        "direction": "minimize",
        "parameters": {"rate": 0.0},
    }
