"""Facts on the pages: they agree with the other outputs, and each number is labelled."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from rlvitals import TrainingMonitor, open_run
from rlvitals.formatting import number

Monitor = Callable[..., TrainingMonitor]
Opened = Callable[..., Page]

LAST_RATE = 3e-5


def risen(training: TrainingMonitor, episodes: int = 400) -> None:
    """Log episodes with a rising reward, and an update with a falling learning rate for every tenth episode."""
    for episode in range(episodes):
        training.log_episode(episode, episode / episodes, 5, env_step=5 * (episode + 1), success=episode % 2 == 0)
        if episode % 10 == 9:
            rate = LAST_RATE * (1 + episodes - 1 - episode)
            training.log_training_step(5 * episode, -0.01, 0.5, 1.2, env_step=5 * episode, learning_rate=rate)


def chart_value(page: Page, chart: str) -> str:
    value = page.locator(f'figure[data-chart="{chart}"] .chart-value')
    expect(value).not_to_be_empty()
    return value.inner_text()


def test_the_number_next_to_a_title_is_the_last_value(monitor: Monitor, opened: Opened) -> None:
    """It is labelled "last" and followed by the smoothed value; a rate shows only the smoothed value."""
    with monitor() as training:
        risen(training)

    page = opened("/run?run=run")
    reward = chart_value(page, "Reward")
    success = chart_value(page, "Success rate")
    page.locator("#tab-ppo").click()
    rate = chart_value(page, "Learning rate")

    assert reward.startswith(f"last {number(399 / 400)}, smoothed 0.9")
    assert success.startswith("smoothed ")
    assert rate.startswith(f"last {number(LAST_RATE)}, smoothed ")


def test_a_constant_value_is_shown_once(monitor: Monitor, opened: Opened) -> None:
    """A smoothed value that equals the last value is not repeated."""
    with monitor() as training:
        risen(training)

    assert chart_value(opened("/run?run=run"), "Episode length") == "last 5"


def test_a_run_of_three_episodes_is_shown_as_not_judged(monitor: Monitor, opened: Opened) -> None:
    """The page of the run, the list and the comparison show "not judged" and a grey ring without a number."""
    with monitor() as training:
        risen(training, 3)

    page = opened("/run?run=run")
    health = page.locator(".verdict .health")
    expect(health).to_contain_text("not judged")
    expect(health.get_by_role("img", name="Health: not judged")).to_be_visible()
    expect(health.locator(".ring-front")).to_have_count(0)
    expect(health).not_to_contain_text("100")
    expect(opened("/").locator("tr[data-run] .c-health")).to_have_text("not judged")
    beside = opened("/compare?run=run&view=runs")
    for name in ("Health", "Findings"):
        expect(beside.get_by_role("row", name=f"{name} not judged", exact=True)).to_be_visible()


def test_the_verdict_equals_the_overview(monitor: Monitor, opened: Opened, folder: Path) -> None:
    """Title, text and levels on the pages are those of the overview."""
    with monitor() as training:
        risen(training)

    overview = open_run(folder / "run").overview()
    assert overview.verdict is not None
    page = opened("/run?run=run")
    expect(page.locator(".verdict-say")).to_have_text(f"{overview.verdict.title} {overview.verdict.text}")
    expect(page.locator(".tile-value").first).to_have_text(number(overview.levels["reward"].mean))
    expect(opened("/").locator("tr[data-run] .c-reward")).to_contain_text(number(overview.levels["reward"].mean))


def test_the_end_of_a_run_changes_only_its_status(monitor: Monitor, opened: Opened) -> None:
    """The verdict is the same before and after the end."""
    training = monitor()
    risen(training)
    page = opened("/run?run=run")
    expect(page.locator(".verdict .status")).to_contain_text("running")
    expect(page.locator(".verdict .ring")).to_be_visible()
    before = page.locator(".verdict-say").inner_text()

    training.close()

    expect(page.locator(".verdict .status")).to_contain_text("completed")
    expect(page.locator(".verdict-say")).to_have_text(before)
    again = opened("/run?run=run").locator(".verdict-say")
    expect(again).to_have_text(before)


def test_tabs_depend_on_the_recorded_data(monitor: Monitor, opened: Opened) -> None:
    """A tab appears with its first record."""
    training = monitor()
    risen(training, 3)
    page = opened("/run?run=run")
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_text(["Overview", "All curves", "Configuration", "Notes"])

    training.log_training_step(20, -0.01, 0.5, 1.2)
    for episode in range(3, 6):
        training.log_episode(episode, 1.0, 5, parameters={"speckle": 4.0})

    expect(tabs).to_have_text(["Overview", "Updates", "Parameters", "All curves", "Configuration", "Notes"])
    training.close()


def test_a_run_with_a_scalar_reward_uses_the_selected_clock(monitor: Monitor, opened: Opened) -> None:
    """It starts with environment steps, and a chart names its clock if the reward lacks the selected one."""
    with monitor() as training:
        for step in range(40):
            training.log_metrics("rollout", {"ep_rew_mean": step / 40}, step=step, env_step=step)
    page = opened("/run?run=run")
    axis = page.get_by_label("Horizontal axis")
    expect(axis).to_have_value("env_step")

    axis.select_option("episode")

    expect(axis).to_have_value("episode")
    expect(page.locator('figure[data-chart="Reward"]')).to_contain_text(
        "by environment step, because no episode was recorded"
    )


def test_dropped_records_are_reported_once(monitor: Monitor, opened: Opened) -> None:
    """Only the finding reports them, by sink."""
    with monitor() as training:
        risen(training, 3)
    header = training.path / "run.json"
    header.write_text(json.dumps(json.loads(header.read_text()) | {"losses": {"records": 1_000, "tensorboard": 200}}))

    page = opened("/run?run=run")

    expect(page.locator(".findings")).to_contain_text("1,000 records dropped, 200 records dropped by tensorboard")
    expect(page.locator(".facts")).not_to_contain_text("dropped")


def test_non_finite_rewards_are_counted_with_their_window(monitor: Monitor, opened: Opened) -> None:
    """The reward cell counts the last 100 episodes, and the finding replaces the count over the run."""
    with monitor() as training:
        for episode in range(400):
            training.log_episode(
                episode, math.nan if episode in {100, 350, 390} else 1.0, 5, env_step=5 * (episode + 1)
            )

    row = opened("/").locator("tr[data-run]")
    expect(row.locator(".c-health")).to_have_text("1 warning")
    expect(row.locator(".c-reward")).to_contain_text("2 of the last 100 non-finite")
    expect(row.locator(".c-status")).to_contain_text("Non-finite rewards")


def test_a_run_without_an_assessment_has_a_placeholder(opened: Opened) -> None:
    """Before the assessment, the list shows neither a verdict nor "not judged"."""
    page = opened("/")

    def said(facts: str) -> str:
        code = f"""async () => {{
            const {{ findingDots }} = await import("/static/widgets.js");
            return findingDots({{ findings: {{}}, not_finite: 0, is_judged: false, {facts} }}).textContent; }}"""
        return str(page.evaluate(code))

    assert said("health: null") == "…"
    assert said("health: { score: null }") == "not judged"
    assert said("health: null, not_finite: 3") == "3 non-finite in the run"


def test_missing_data_is_shown_as_missing(monitor: Monitor, opened: Opened) -> None:
    """Missing system samples, a missing reward and an unknown run are reported as missing."""
    with monitor() as training:
        training.log_episode(0, 1.0, 5, memory=500.0)
    monitor("empty").close()
    with monitor("metric") as training:
        for step in range(40):
            training.log_metrics("rollout", {"ep_rew_mean": step / 40}, step=step, env_step=step)

    system = opened("/run?run=run&tab=system").locator("#panel")
    expect(system).to_contain_text("sampling is off, or the run is shorter than the sampling interval")
    beside = opened("/compare?run=run&run=empty&run=metric&view=runs")
    expect(beside.get_by_role("row", name=re.compile("^Reward source episode return - "))).to_be_visible()
    unknown = opened("/run?run=zzz", expect_errors=True)
    expect(unknown.locator("#page")).to_have_text("Run zzz does not exist in this folder. All runs")
    expect(unknown.get_by_role("alert")).to_be_hidden()


TABS = ("overview", "ppo", "parameters", "evaluations", "pictures", "more", "system", "configuration", "notes")


def poor(monitor: Monitor) -> list[str]:
    """Record runs that lack most of the data on a page, and return their names."""
    monitor("empty").close()
    monitor("failed").fail(ValueError("x"))
    with monitor("updates-only") as training:
        for update in range(40):
            training.log_training_step(update, -0.01, 0.5, 1.2)
    with monitor("scalars-only") as training:
        for step in range(40):
            training.log_metrics("rollout", {"ep_rew_mean": step / 40}, step=step)
    return ["empty", "failed", "updates-only", "scalars-only"]


def test_every_tab_works_for_incomplete_runs(monitor: Monitor, opened: Opened) -> None:
    """All tabs and the comparison of incomplete runs are shown without a console error."""
    names = poor(monitor)
    page = opened("/")
    expect(page.locator("tr[data-run]")).to_have_count(len(names))
    start = page.url.rstrip("/")
    paths = [f"/run?run={name}&tab={tab}" for name in names for tab in TABS]
    paths.append("/compare?view=runs&" + "&".join(f"run={name}" for name in names))
    for path in paths:
        page.goto(start + path)
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.get_by_text(re.compile("^(Loading|Analysing)"))).to_have_count(0)
        expect(page.locator("#panel > *, .compared > *").first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Verdict"))).to_be_visible()
