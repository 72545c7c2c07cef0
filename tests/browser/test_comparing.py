"""The compare page in a browser: live updates, keyboard use and failures."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from rlvitals import TrainingMonitor

Monitor = Callable[..., TrainingMonitor]
Opened = Callable[..., Page]


def trained(training: TrainingMonitor, episodes: int, start: int = 0) -> None:
    kind, _, seed = training.path.name.partition("-")
    level = (5.0 if kind == "b" else 1.0) + 0.1 * len(seed) + 0.01 * sum(map(ord, seed))
    for number in range(start, start + episodes):
        training.log_episode(number, level + number / 60, 5, env_step=5 * (number + 1))


def chart(page: Page, name: str = "Reward") -> Locator:
    return page.locator(f'figure[data-chart="{name}"] canvas')


def hurried(page: Page) -> None:
    """Make the page run its delayed actions almost immediately."""
    page.evaluate(
        "() => { const real = setTimeout; window.setTimeout = (act, ms) => real(act, ms >= 3000 ? 20 : ms); }"
    )


def test_a_live_comparison_updates_without_losing_user_input(monitor: Monitor, opened: Opened) -> None:
    """Typed text, open details and the scale of a chart survive an update and a server error."""
    for name in ("a-0", "a-1", "b-0"):
        with monitor(name, configuration={"kind": name[0], "seed": name}) as training:
            trained(training, 40)
    training = monitor("b-1", configuration={"kind": "b", "seed": "b-1"})
    trained(training, 10)
    page = opened("/compare?group=*", expect_errors=True)
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("1 + 2 runs")
    hurried(page)
    page.get_by_role("button", name="log").first.click()
    page.locator("details.runs-told summary").click()
    target = page.get_by_label("Target mean")
    target.press_sequentially("12")
    page.get_by_label("Pattern of a group of runs").press_sequentially("half")
    page.route("**/compare/groups*", lambda asked: asked.fulfill(status=429, json={"detail": "too much"}))
    trained(training, 5, 10)
    expect(page.locator("#banner")).to_contain_text("too much")
    expect(verdict).to_contain_text("1 + 2 runs")
    page.unroute("**/compare/groups*")
    trained(training, 25, 15)
    training.close()
    expect(verdict).to_contain_text("2 + 2 runs")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.get_by_label("Pattern of a group of runs")).to_be_focused()
    expect(page.get_by_label("Pattern of a group of runs")).to_have_value("half")
    expect(target).to_have_value("12")
    expect(page.locator("details.runs-told")).to_have_attribute("open", "")
    expect(page.get_by_role("button", name="log").first).to_have_attribute("aria-pressed", "true")


def test_a_comparison_shows_the_connection_state(monitor: Monitor, opened: Opened) -> None:
    """Both views show whether the page is live."""
    for name in ("a", "b"):
        with monitor(name) as training:
            trained(training, 20)
    for view in ("groups", "runs"):
        page = opened(f"/compare?run=a&run=b&view={view}")
        expect(page.locator("#connection")).to_have_text("live")


def test_a_selection_keeps_the_focus(monitor: Monitor, opened: Opened) -> None:
    """Keyboard users can step through the controls while the results reload."""
    for name in ("a-0", "a-1", "b-0", "b-1"):
        with monitor(name, configuration={"kind": name[0], "seed": name}) as training:
            trained(training, 40)
    page = opened("/compare?group=*")
    statistic = page.get_by_label("Statistic")
    expect(page.locator(".verdict")).to_contain_text("over the last tenth")
    expect(page.get_by_text("They do not hold for another budget, environment or metric")).to_be_visible()
    statistic.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".verdict")).to_contain_text("over the whole training")
    expect(statistic).to_be_focused()
    page.get_by_role("tab", name="Groups").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("h2", has_text="Side by side")).to_be_visible()
    expect(page.get_by_role("tab", name="Run by run")).to_be_focused()


def test_every_pair_can_be_compared_and_the_direction_reversed(monitor: Monitor, opened: Opened) -> None:
    """Three groups give two comparisons with the baseline and three pairs; the verdicts follow the direction."""
    for level, kind in enumerate("abc"):
        for seed in range(3):
            with monitor(f"{kind}-{seed}", configuration={"kind": kind, "seed": seed}) as training:
                for number in range(40):
                    training.log_episode(number, 10.0 * level + seed + number / 40, 5, env_step=5 * (number + 1))
    page = opened("/compare?group=*")
    verdicts = page.locator(".verdict")
    expect(verdicts).to_have_count(2)
    page.get_by_label("Compare with").select_option(label="every pair")
    expect(verdicts).to_have_count(3)
    before = verdicts.first.text_content()
    page.get_by_label("Direction").select_option(label="lower is better")
    expect(verdicts.first).not_to_have_text(before or "")
    expect(page.get_by_label("Compare with")).to_have_value(re.compile("each"))
    page.get_by_label("Compare with").select_option(index=1)
    expect(verdicts).to_have_count(2)


def test_more_live_runs_than_a_browser_has_connections_are_updated(monitor: Monitor, opened: Opened) -> None:
    """One stream updates the curves of seven live runs."""
    live = [monitor(f"live-{number}") for number in range(7)]
    for training in live:
        trained(training, 10)
    page = opened("/compare?view=runs&" + "&".join(f"run=live-{number}" for number in range(7)))
    expect(chart(page)).to_have_attribute("data-points", "70")
    hurried(page)
    trained(live[0], 5, 10)
    expect(chart(page)).to_have_attribute("data-points", "75")
    expect(page.get_by_role("row", name=re.compile("^Episodes 15 10"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Health"))).not_to_contain_text("…")
    for training in live:
        training.close()


def test_curves_stay_without_a_server_and_the_last_choice_wins(monitor: Monitor, opened: Opened) -> None:
    """A slow response to an earlier choice does not replace the response to a later one."""
    for name in ("a", "b"):
        with monitor(name) as training:
            trained(training, 40)
    page = opened("/compare?run=a&run=b&view=runs", expect_errors=True)
    expect(chart(page)).to_have_attribute("data-points", "80")
    page.route("**/run/series*", lambda asked: asked.abort())
    page.get_by_label("Smoothing").select_option("0")
    expect(page.locator("#banner")).to_contain_text("does not respond")
    expect(chart(page)).to_have_attribute("data-points", "80")
    page.unroute("**/run/series*")
    slow: list[Route] = []

    def held_up(asked: Route) -> None:
        slow.append(asked)

    page.route("**/run/series*clock=time*", held_up)
    axis = page.get_by_label("Horizontal axis")
    axis.focus()
    axis.select_option("time")
    axis.select_option("episode")
    expect(axis).to_be_focused()
    expect(chart(page)).to_have_attribute("data-range", "0,39")
    with page.expect_request_finished(lambda asked: asked.url == slow[-1].request.url):
        for asked in slow:
            asked.continue_()
    axis.press("Tab")
    expect(page.get_by_label("Smoothing")).to_be_focused()
    expect(page.locator("#banner")).to_be_hidden()
    expect(chart(page)).to_have_attribute("data-range", "0,39")


def test_both_views_report_why_a_comparison_fails(monitor: Monitor, opened: Opened) -> None:
    """The page shows the reason, and the controls still work."""
    with monitor("one") as training:
        trained(training, 20)
    page = opened("/compare?group=none-*&view=runs", expect_errors=True)
    expect(page.locator("#compared")).to_contain_text("no run matches 'none-*'")
    page = opened("/compare?run=one&metric=reward&margin=-1&view=groups", expect_errors=True)
    expect(page.locator("#compared")).to_contain_text("margin: Input should be greater than 0")
    margin = page.get_by_label("Equivalence margin")
    margin.fill("1")
    margin.press("Enter")
    expect(chart(page)).not_to_have_attribute("data-points", "0")


def test_each_environment_has_its_own_scale_of_outcomes(monitor: Monitor, opened: Opened) -> None:
    """Every environment has separate dots and differences."""
    for task in ("Ant-v4", "Cart-v1"):
        for name in ("a", "b"):
            with monitor(f"{name}-{task}", configuration={"kind": name, "env_id": task}) as training:
                trained(training, 40)
    page = opened("/compare?group=*")
    for task in ("Ant-v4", "Cart-v1"):
        expect(page.locator("section.card", has_text=f"Result of each run on {task}").locator(".dot")).to_have_count(2)


def test_the_range_for_intervals_is_bounded_on_both_scales(opened: Opened) -> None:
    """Wide intervals do not flatten the lines, and an interval below zero does not break a log scale."""
    page = opened("/")
    said = page.evaluate(
        """async () => {
            const { heights } = await import("/static/scale.js"), of = (low, high) => ({
                raw: { y: [1, 2] }, bandCounts: true, band: { x: [0, 1], low: [low, low], high: [high, high] } });
            const read = (lines, log, more) =>
                heights(lines.map((line) => ({ ...line, ...more })), { log, outliers: "auto" });
            return { many: read(Array(12).fill(of(-1e6, 1e6)), false), log: read([of(-5, 3)], true),
                     narrow: read([of(0.9, 2.1)], false), far: read([of(1, 2)], false, { levels: [1000] }) };
        }"""
    )
    assert (said["many"]["low"], said["many"]["high"], said["many"]["cut"]) == (
        pytest.approx(0.29),
        pytest.approx(2.71),
        True,
    )
    assert 0 < said["log"]["low"] < said["log"]["high"]
    assert (said["narrow"]["cut"], said["narrow"]["missed"]) == (False, False)
    assert (said["far"]["missed"], said["far"]["high"] < 10) == (True, True)


def test_the_page_of_a_run_ranks_it_among_earlier_runs(monitor: Monitor, opened: Opened) -> None:
    """A button loads the rank on request."""
    for name in ("a-0", "a-1", "b-0"):
        with monitor(name, configuration={"env_id": "Toy-v0"}) as training:
            trained(training, 20)
    page = opened("/run?run=b-0")
    page.get_by_role("button", name="Rank among earlier runs").click()
    expect(page.get_by_role("heading", name="Rank among earlier runs")).to_be_visible()
    expect(page.locator("#panel")).to_contain_text("higher than all 2 earlier runs")
