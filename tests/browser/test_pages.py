"""The dashboard in a browser."""

import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from rlvitals import TrainingMonitor
from rlvitals.dashboard.server import serving

Monitor = Callable[..., TrainingMonitor]
Opened = Callable[..., Page]

EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>"
EVIL_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20" onload="alert(1)"><script>alert(1)</script>'
    '<foreignObject><img src="x" onerror="alert(1)"/></foreignObject><rect width="9" height="9"/></svg>'
)
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}


def trained(training: TrainingMonitor, episodes: int, start: int = 0) -> None:
    for number in range(start, start + episodes):
        training.log_episode(
            number,
            math.sin(number / 9),
            5,
            env_step=5 * (number + 1),
            category=("text", "simple")[number % 2],
            success=number % 3 == 0,
        )
        if number % 10 == 0:
            training.log_training_step(
                5 * number,
                -0.01,
                0.5,
                1.2,
                env_step=5 * number,
                kl_divergence=0.01,
                explained_variance=0.6,
                clip_fraction=0.1,
            )


def chart(page: Page, name: str = "Reward") -> Locator:
    return page.locator(f'figure[data-chart="{name}"] canvas')


def test_the_list_can_be_searched_filtered_and_opened(monitor: Monitor, opened: Opened) -> None:
    """Search, status filter and links of the list work."""
    for name in ("alpha", "beta"):
        with monitor(name) as training:
            trained(training, 30)
    monitor("gamma").fail(ValueError("x"))
    page = opened("/")
    expect(page.locator("tr[data-run]")).to_have_count(3)
    page.keyboard.press("/")
    page.keyboard.type("bet")
    expect(page.locator("tr[data-run]")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name=re.compile("^failed")).click()
    expect(page.locator("tr[data-run]")).to_contain_text("gamma")
    page.get_by_role("button", name=re.compile("^all")).click()
    page.get_by_role("link", name="alpha").click()
    expect(page.get_by_role("heading", name="alpha")).to_be_visible()
    expect(chart(page)).to_have_attribute("data-points", "30")


def test_a_live_run_grows_without_a_reload(monitor: Monitor, opened: Opened) -> None:
    """The page goes from "No episode finished yet" to a curve and a finding without a reload."""
    training = monitor(configuration={"n_envs": 2})
    training.advance(3_000)
    page = opened("/run?run=run")
    expect(page.get_by_text("No episode finished yet").first).to_be_visible()
    page.evaluate("window.same = true")
    trained(training, 5)
    expect(chart(page)).to_have_attribute("data-points", "5")
    trained(training, 20, 5)
    expect(chart(page)).to_have_attribute("data-points", "25")
    said = {"cause": "The policy has stopped exploring.", "advice": "Raise ent_coef.", "since_step": 60}
    training.log_event("finding", "Entropy is gone", severity="critical", code="entropy-collapse", data=said)
    finding = page.locator('details[data-code="entropy-collapse"]')
    expect(finding).to_contain_text("The policy has stopped exploring.")
    finding.locator("summary").click()
    expect(finding).to_contain_text("Raise ent_coef.")
    training.log_episode(25, math.nan, 5, env_step=130)
    expect(page.locator('figure[data-chart="Reward"] .badge.bad')).to_have_text("1 NaN")
    training.close()
    expect(page.locator(".verdict .status")).to_contain_text("completed")
    assert page.evaluate("window.same") is True


def test_a_late_response_does_not_remove_newer_values(monitor: Monitor, opened: Opened) -> None:
    """If the run grew while the server prepared its response, the chart reloads."""
    training = monitor()
    trained(training, 5)
    page = opened("/?")
    page.add_init_script(
        """
        const real = fetch;
        window.fetch = async (where, options) => {
          const answer = await real(where, options);
          if (String(where).includes("run/series") && !window.release) {
            await new Promise((go) => { window.release = go; });
          }
          return answer;
        };
        const another = new EventSource("/api/v1/stream?run=run");
        another.addEventListener("head", (event) => { window.rows = JSON.parse(event.data).rows.episodes; });
        """
    )
    page.goto(page.url.replace("/?", "/run?run=run"))
    page.wait_for_function("() => window.release && window.rows === 5")
    trained(training, 20, 5)
    page.wait_for_function("() => window.rows === 25")
    page.evaluate("release()")
    expect(chart(page)).to_have_attribute("data-points", "25")
    training.close()


def test_charts_and_tabs_appear_with_their_first_record(monitor: Monitor, opened: Opened) -> None:
    """The first update, a later metric and the first evaluation add charts and a tab."""
    training = monitor()
    training.log_episode(0, 1.0, 5)
    page = opened("/run?run=run&tab=ppo")
    expect(page.get_by_text("No updates yet")).to_be_visible()
    training.log_training_step(5, -0.1, 0.5, 1.2)
    expect(chart(page, "Policy loss")).to_have_attribute("data-points", "1")
    training.log_training_step(10, -0.1, 0.5, 1.2, kl_divergence=0.01)
    expect(chart(page, "KL divergence")).to_have_attribute("data-points", "1")
    expect(page.get_by_role("tab", name=re.compile("^Evaluations"))).to_have_count(0)
    training.log_evaluation(10, 1.0, 0.5, 0.5)
    expect(page.get_by_role("tab", name=re.compile("^Evaluations"))).to_be_visible()
    training.close()


def test_a_hidden_page_disconnects_and_resyncs(monitor: Monitor, opened: Opened) -> None:
    """A hidden page frees its connection and loads the missed records when it is shown."""
    training = monitor()
    trained(training, 30)
    page = opened("/run?run=run")
    expect(chart(page)).to_have_attribute("data-points", "30")
    turn = (
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden === 1, configurable: true }); "
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate("() => { const real = setTimeout; window.setTimeout = (act, ms) => real(act, ms > 9999 ? 20 : ms); }")
    with page.expect_event("requestfailed", lambda asked: "/stream" in asked.url):
        page.evaluate(turn, 1)
    trained(training, 10, 30)
    page.evaluate(turn, 0)
    expect(chart(page)).to_have_attribute("data-points", "40")
    trained(training, 10, 40)
    expect(chart(page)).to_have_attribute("data-points", "50")
    expect(page.get_by_role("alert")).to_be_hidden()
    training.close()


def test_dragging_zooms_all_charts_and_the_address_stores_the_range(monitor: Monitor, opened: Opened) -> None:
    """The address restores the view, and a double click shows all data."""
    with monitor() as training:
        trained(training, 400)
    page = opened("/run?run=run")
    expect(chart(page)).to_have_attribute("data-range", "0,399")
    expect(page.get_by_text("checking ...")).to_have_count(0)  # findings push the charts down
    box = page.locator('figure[data-chart="Reward"] canvas').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    page.mouse.up()
    length = page.locator('figure[data-chart="Episode length"] canvas')
    expect(length).not_to_have_attribute("data-range", "0,399")
    zoomed = length.get_attribute("data-range")
    assert zoomed is not None
    low, high = map(float, zoomed.split(","))
    assert 120 < low < 190
    assert 210 < high < 270
    again = opened(page.url.partition(page.url.split("/")[2])[2])
    expect(again.locator('figure[data-chart="Episode length"] canvas')).to_have_attribute("data-range", zoomed)
    page.locator('figure[data-chart="Reward"] canvas').dblclick()
    expect(chart(page)).to_have_attribute("data-range", "0,399")


def test_a_chart_can_be_used_by_keyboard_and_saved(monitor: Monitor, opened: Opened) -> None:
    """Arrows read values, plus zooms and 0 shows all; the chart saves as PNG, SVG and CSV."""
    with monitor() as training:
        trained(training, 100)
    page = opened("/run?run=run")
    canvas = page.locator('figure[data-chart="Reward"] canvas')
    expect(canvas).to_have_attribute("data-range", "0,99")
    canvas.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('figure[data-chart="Reward"] .tooltip')).to_contain_text("episode")
    page.keyboard.press("+")
    expect(canvas).not_to_have_attribute("data-range", "0,99")
    page.keyboard.press("0")
    expect(canvas).to_have_attribute("data-range", "0,99")
    starts = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"episode,reward\n0.0,"}
    for kind, start in starts.items():
        with page.expect_download() as saved:
            page.locator('figure[data-chart="Reward"]').get_by_role("button", name=kind).click()
        assert Path(saved.value.path()).read_bytes().startswith(start)


def test_hostile_names_and_pictures_are_harmless(monitor: Monitor, opened: Opened, folder: Path) -> None:
    """Recorded names are shown as text, and a hostile SVG does not run, also when opened directly."""
    configuration = {EVIL: {"x": EVIL}, "__proto__": {"polluted": EVIL}}
    with monitor(project_name=EVIL, tags=[EVIL], configuration=configuration) as training:
        trained(training, 20)
        training.log_episode(20, 1.0, 5, category=EVIL, termination_reason=EVIL, parameters={EVIL: 1.0, "b": 2.0})
        data = {"cause": EVIL, "evidence": {EVIL: EVIL}}
        training.log_event("finding", EVIL, severity="warning", code=EVIL, data=data)
        training.log_note(EVIL)
        picture = training.log_image(EVIL, EVIL_SVG, group=EVIL)
    name = "<img src=x onerror=alert(1)>"  # our writer refuses this name, but another writer can use it
    header = training.path / "run.json"
    header.write_text(header.read_text().replace('"run_id": "run"', f'"run_id": "{name}"'))
    training.path.rename(folder / name)
    expect(opened("/").locator("tr[data-run] a")).to_have_text(name)
    for tab in ("overview", "parameters", "pictures", "configuration", "notes"):
        page = opened(f"/run?run={quote(name)}&tab={tab}")
        expect(page.locator(".verdict h1")).to_have_text(name)
        expect(page.get_by_text("Loading")).to_have_count(0)
        assert page.locator("main script, main img[src=x]").count() == 0
    file = quote((picture.data or {})["file"])
    alone = opened(f"/api/v1/run/picture?run={quote(name)}&name={file}", expect_errors=True)
    assert alone.evaluate("document.querySelectorAll('rect').length") == 1


def test_invisible_characters_are_escaped(monitor: Monitor, opened: Opened) -> None:
    """Control characters are shown as escapes, as in the terminal and in reports."""
    with monitor(tags=["a\u202eb\x1b[31m"]) as training:
        trained(training, 20)

    for path in ("/", "/run?run=run"):
        expect(opened(path).get_by_text(r"a\u202eb\x1b[31m")).to_be_visible()
    expect(opened("/run?run=run").locator(".tile").first).to_contain_text("last 20")


def test_selected_runs_are_compared(monitor: Monitor, opened: Opened) -> None:
    """The compare page draws the curves of runs selected in the list and shows their differences."""
    for name, rate in (("a", 0.1), ("b", 0.2)):
        with monitor(name, configuration={"learning_rate": rate, "same": 1}) as training:
            trained(training, 50)
    page = opened("/")
    for name in ("a", "b"):
        page.get_by_label(f"Select {name} to compare").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    expect(page.get_by_role("row", name=re.compile("learning_rate 0.1 0.2"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^same"))).to_have_count(0)
    expect(chart(page)).not_to_have_attribute("data-points", "0")


def test_groups_are_compared(monitor: Monitor, opened: Opened) -> None:
    """All runs that match a search are compared by group, and the controls change the comparison."""
    for rate in (0.1, 0.2):
        for seed in range(3):
            with monitor(f"rate-{rate}-{seed}", configuration={"learning_rate": rate, "seed": seed}) as training:
                for number in range(60):
                    training.log_episode(number, 100 * rate + seed + number / 60, 5, env_step=5 * (number + 1))
    page = opened("/")
    page.get_by_role("searchbox").fill("rate")
    page.get_by_role("link", name="Compare all 6").click()
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("learning_rate=0.2 is better than learning_rate=0.1")
    expect(chart(page)).to_have_attribute("data-points", "60")
    expect(page.locator(".whisker .dot")).to_have_count(7)
    page.get_by_label("Compare with").select_option("learning_rate=0.2")
    expect(verdict).to_contain_text("learning_rate=0.1 is worse than learning_rate=0.2")
    page.get_by_label("Metric").fill("length")
    page.keyboard.press("Enter")
    expect(verdict).to_contain_text("show no difference")
    page.get_by_role("tab", name="Run by run").click()
    expect(page.locator("h2", has_text="Side by side")).to_be_visible()


def test_an_unknown_metric_is_reported(monitor: Monitor, opened: Opened) -> None:
    """The page shows the error and accepts another metric."""
    for name in ("a", "b"):
        with monitor(name) as training:
            trained(training, 20)
    page = opened("/compare?group=a&group=b&metric=nonsense", expect_errors=True)
    expect(page.get_by_text("there is no metric 'nonsense'")).to_be_visible()
    page.get_by_label("Metric").fill("reward")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict")).to_contain_text("Train at least 3 seeds")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(monitor: Monitor, opened: Opened, scheme: str) -> None:
    """Contrast is at least 4.5 to 1 (WCAG 2.2, 1.4.3), and every control and chart has a name."""
    with monitor() as training:
        trained(training, 40)
        training.log_event("finding", "Something", severity="warning", code="x", data={"cause": "It is so."})
    with monitor("other") as training:
        trained(training, 40)
    for path in ("/", "/run?run=run", "/run?run=run&tab=configuration", "/compare?group=run&group=other&view=groups"):
        page = opened(path, color_scheme=scheme)
        expect(page.locator("main h1")).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
        assert page.evaluate((Path(__file__).parent / "contrast.js").read_text()) == []


def lived(training: TrainingMonitor) -> None:
    """Log everything that a page can show, with long names."""
    kinds = ("http-server-error", "gradient", "simple", "hand-drawn-with-a-rather-long-name-indeed")
    ends = ("max_steps", "the-agent-left-the-permitted-area", "success")
    for number in range(120):
        training.log_episode(
            number,
            -0.008515 * math.sin(number / 9),
            5,
            0.7112345,
            0.8112345,
            0.1,
            env_step=5 * (number + 1),
            category=kinds[number % 4],
            difficulty=("easy", "hard")[number % 2],
            success=number % 3 == 0,
            termination_reason=ends[number % 3],
            duration=0.5,
            memory=512.0,
            parameters={"filter_speckle": number % 17, "corner_threshold": (7 * number) % 180, "length": number % 3},
            reward_parts={"quality_gained_against_the_defaults": 0.1, "size": -0.2},
        )
        if number % 10 == 0:
            more: dict[str, Any] = {
                "learning_rate": 3e-4,
                "gradient_norm": 0.4,
                "explained_variance": 0.6,
                "clip_fraction": 0.1,
            }
            training.log_training_step(5 * number, -0.01, 0.5, 1.2, env_step=5 * number, duration=2.0, **more)
            training.log_metrics("exploration", {"share_of_the_reachable_states_that_were_seen": 0.01 * number})
    items = {f"logos/a-folder-with-a-long-name/{n}.png": {"reward": 0.1 * n} for n in range(8)}
    training.log_evaluation(119, 1.0, 0.5, 0.5, items=items)
    training.log_evaluation(119, 0.5, 0.4, 0.5, items=items, policy="the-defaults-of-the-tool-as-documented")
    training.log_image("traced-logo-with-a-long-name", EVIL_SVG, caption="What came of it " * 9)
    training.log_note("A note with/a/very/long/path/" + "in-it/" * 20)
    said = {"cause": "It is so.", "advice": "Do otherwise.", "evidence": {"a_long_name_" * 6: 1.0}}
    training.log_event("finding", "Something is wrong", severity="warning", code="x", data=said)


def test_the_list_fits_its_width(monitor: Monitor, opened: Opened) -> None:
    """With the longest texts, no column is clipped on a screen and no cell on a phone."""
    for name in ("a-run-with-a-rather-long-name-seed-1", "b"):
        training = monitor(name, project_name="vtracer", tags=["sweep"], configuration={"total_timesteps": 9_999})
        trained(training, 400)
        said = {"cause": "It is so."}
        title = "Something with a title that is a good deal longer than a column of the list"
        training.log_event("finding", title, severity="critical", code="x", data=said)
        training.fail(ValueError("loss is NaN"))
    for options in ({"viewport": {"width": 1400, "height": 900}}, PHONE):
        page = opened("/", **options)
        expect(page.locator(".c-health .small")).to_have_count(2)
        cells = page.locator(".table-box, .runs td")
        assert cells.evaluate_all("(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length") == 0


def test_the_first_column_of_a_table_is_readable_on_a_phone(monitor: Monitor, opened: Opened) -> None:
    """The row names are not broken within words."""
    names = [f"a-run-with-a-rather-long-name-{number}" for number in range(4)]
    for number, name in enumerate(names):
        with monitor(name, configuration={"learning_rate": 0.1 * number}) as training:
            trained(training, 40)
    page = opened("/compare?view=runs&" + "&".join(f"run={name}" for name in names), **PHONE)
    status = page.locator(".side [scope=row]", has_text="Status")
    expect(status).to_be_visible()
    box = status.bounding_box()
    assert box is not None
    assert box["width"] > 80


def test_updates_keep_an_open_hint_and_the_focus(monitor: Monitor, opened: Opened) -> None:
    """Updates of the header and the list keep the focus, and the header follows once the hint is closed."""
    training = monitor()
    trained(training, 40)
    said = {"cause": "It is so."}
    training.log_event("finding", "Something", severity="warning", code="x", data=said)
    page = opened("/run?run=run")
    episodes, hint = (
        page.locator(".tile", has_text="Episodes").locator(".tile-value"),
        page.get_by_label("About the health score"),
    )
    expect(episodes).to_have_text("40")
    hint.click()
    trained(training, 5, 40)
    expect(chart(page)).to_have_attribute("data-points", "45")
    expect(page.locator(".card-tip:popover-open")).to_be_visible()
    expect(hint).to_be_focused()
    page.keyboard.press("Escape")
    trained(training, 5, 45)
    expect(episodes).to_have_text("50")
    expect(hint).to_be_focused()
    listed = opened("/")
    pin, link = listed.get_by_label("Pin run"), listed.get_by_role("link", name="run", exact=True)
    pin.press("Enter")
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(pin).to_be_focused()
    link.focus()
    trained(training, 5, 50)
    expect(listed.locator("tr[data-run] .c-episodes")).to_have_text("55")
    expect(link).to_be_focused()
    sort = listed.get_by_role("button", name="Reward")
    sort.press("Enter")
    expect(sort).to_be_focused()
    training.close()


def test_live_runs_keep_their_places_in_the_list(monitor: Monitor, opened: Opened) -> None:
    """The run that started last is first, whichever recorded last."""
    first, second = monitor("first"), monitor("second")
    trained(second, 5)
    listed = opened("/")
    names = listed.locator("tr[data-run] .c-name a")
    expect(names).to_have_text(["second", "first"])
    trained(first, 5)
    expect(listed.locator("tr[data-run=first] .c-episodes")).to_have_text("5")
    expect(names).to_have_text(["second", "first"])
    first.close()
    second.close()


def test_damaged_pins_in_local_storage_are_ignored(monitor: Monitor, opened: Opened) -> None:
    """The list is shown without pins."""
    with monitor() as training:
        trained(training, 20)
    page = opened("/")
    for damaged in ("[", "5", "{}"):
        page.evaluate("(text) => localStorage.setItem('rlvitals.pins', text)", damaged)
        page.reload()
        expect(page.locator("tr[data-run]")).to_have_count(1)


def test_a_tick_at_the_right_end_is_drawn(monitor: Monitor, opened: Opened) -> None:
    """An axis that ends at a round value labels it."""
    with monitor() as training:
        for number in range(100):
            training.log_episode(number, 1.0 * number, 10, env_step=10 * (number + 1))
    page = opened("/run?run=run&x=env_step&from=0&to=1000")
    expect(chart(page)).to_have_attribute("data-range", "0,1000")
    with page.expect_download() as saved:
        page.locator('figure[data-chart="Reward"]').get_by_role("button", name="SVG").click()
    assert ">1000<" in Path(saved.value.path()).read_text()


def test_evidence_shows_each_name_with_its_value(monitor: Monitor, opened: Opened) -> None:
    """Each name is next to its value."""
    with monitor() as training:
        trained(training, 20)
        data = {"cause": "It is so.", "evidence": {"first": 1.0, "second": 2.0}}
        training.log_event("finding", "Something", severity="warning", code="x", data=data)
    pairs = opened("/run?run=run").locator('[data-code="x"] .evidence > div')
    expect(pairs).to_have_text([re.compile("irst.*1"), re.compile("econd.*2")])


TABS = ("overview", "ppo", "parameters", "evaluations", "pictures", "more", "system", "configuration", "notes")


def test_every_page_fits_a_phone(monitor: Monitor, opened: Opened) -> None:
    """No page is wider than the screen, and no number is outside its card."""
    configuration = {"a_setting_with_a_long_name": "/a/long/path/" * 12, "learning_rate": 3e-4}
    name = "a-run-with-a-rather-long-name-that-has-to-be-folded-somewhere"
    with monitor(name, configuration=configuration) as training:
        lived(training)
    with monitor("another", configuration={"learning_rate": 1e-3}) as training:
        lived(training)
    paths = ["/", *(f"/run?run={name}&tab={tab}" for tab in TABS)]
    paths += [f"/compare?run={name}&run=another&view={view}" for view in ("groups", "runs")]
    page = opened("/", **PHONE)
    for path in paths:
        page.goto(page.url.partition("/?")[0].partition("/run")[0].partition("/compare")[0].rstrip("/") + path)
        expect(page.locator("main h1").first).to_be_visible()
        expect(page.get_by_text(re.compile("^(Loading|Analysing)"))).to_have_count(0)
        if "overview" in path:
            expect(page.get_by_text("How episodes end")).to_be_visible()
        if "compare" in path:
            expect(page.locator(".compared table").first).to_be_visible()
        for width in (390, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, width)
        cut = "[...document.querySelectorAll('.kinds')].filter(one => one.scrollWidth > one.parentElement.clientWidth)"
        assert page.evaluate(f"{cut}.length") == 0


def test_only_a_loaded_chart_reports_missing_data(monitor: Monitor, opened: Opened) -> None:
    """A chart that is not loaded has no badge; a loaded chart without data in the range has one."""
    with monitor() as training:
        trained(training, 60)
    shown = ("policy_loss", "value_loss", "kl_divergence", "clip_fraction", "explained_variance", "entropy")
    curves = "&".join(f"curve=updates/{name}" for name in shown)
    page = opened("/?", viewport={"width": 390, "height": 300})
    held: list[Route] = []
    page.route("**/run/series?*", lambda route: held.append(route), times=1)  # noqa: PLW0108 - it must be a function
    page.goto(page.url.replace("/?", f"/run?run=run&tab=more&{curves}"))
    expect(chart(page, "Policy loss")).to_have_attribute("data-points", "0")
    expect(page.locator(".badge")).to_have_count(0)
    held[0].continue_()
    page.locator('figure[data-chart="Policy loss"]').scroll_into_view_if_needed()
    expect(chart(page, "Policy loss")).to_have_attribute("data-points", "6")
    expect(chart(page, "Entropy")).not_to_have_attribute("data-points", "6")
    expect(page.locator(".badge")).to_have_count(0)
    page.goto(page.url + "&from=900&to=1000")
    page.locator("figure").first.scroll_into_view_if_needed()
    expect(page.locator(".badge").first).to_have_text("no data in this range")


def test_fields_with_the_same_name_have_distinct_titles(monitor: Monitor, opened: Opened) -> None:
    """The durations of updates and of episodes differ in title."""
    with monitor() as training:
        lived(training)
    page = opened("/run?run=run&tab=more&curve=episodes/duration&curve=updates/duration&curve=episodes/length")
    titles = page.locator(".chart-title")
    expect(titles).to_have_text(["Episode duration (s)", "Update duration (s)", "Episode length"])


def test_leaving_a_tab_aborts_its_request(monitor: Monitor, opened: Opened) -> None:
    """A late response does not appear in the next tab."""
    with monitor() as training:
        trained(training, 20)
        training.log_note("Noted")
    page = opened("/run?run=run")
    held: list[Route] = []
    page.route("**/run/configuration?*", lambda route: held.append(route))  # noqa: PLW0108 - it must be a function
    page.locator("#tab-configuration").click()
    expect(page.get_by_text("Loading the configuration")).to_be_visible()
    with page.expect_event("requestfailed", lambda asked: "/run/configuration" in asked.url):
        page.locator("#tab-notes").click()
    expect(page.locator("#panel")).to_contain_text("Noted")


def test_a_hint_opens_with_its_button_and_closes_with_escape(monitor: Monitor, opened: Opened) -> None:
    """Its button toggles a hint, and Escape closes it."""
    with monitor() as training:
        trained(training, 20)
    page = opened("/run?run=run")
    button, hint = page.get_by_label("About Reward").first, page.get_by_text("Return of the episode")
    button.click()
    expect(hint).to_be_visible()
    button.click()
    expect(hint).to_be_hidden()
    button.click()
    page.keyboard.press("Escape")
    expect(hint).to_be_hidden()


def test_a_removed_run_is_reported_and_recovers(monitor: Monitor, opened: Opened, folder: Path) -> None:
    """The page keeps its data and clears the alert when the run is back."""
    with monitor() as training:
        trained(training, 20)
    page = opened("/run?run=run", expect_errors=True)  # the server answers 404 meanwhile
    expect(chart(page)).to_have_attribute("data-points", "20")
    shutil.move(training.path, folder.parent / "aside")
    expect(page.get_by_role("alert")).to_contain_text("cannot be read now")
    shutil.move(folder.parent / "aside", training.path)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_killed_trainer_is_shown_as_crashed(opened: Opened, folder: Path) -> None:
    """The open page keeps the recorded data and changes the status."""
    begin = (
        "import sys; from rlvitals import TrainingMonitor; m = TrainingMonitor(sys.argv[1], session_name='run'); "
        "[m.log_episode(n, 1.0 + n, 5) for n in range(30)]; print('there', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", begin, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as trainer:
        assert trainer.stdout is not None
        trainer.stdout.readline()
        page = opened("/run?run=run")
        expect(chart(page)).to_have_attribute("data-points", "30")
        expect(page.locator(".verdict .status")).to_have_text(re.compile("running"))
        trainer.kill()
    expect(page.locator(".verdict .status")).to_have_text(re.compile("crashed"), timeout=20_000)
    expect(chart(page)).to_have_attribute("data-points", "30")


def test_a_page_reconnects_to_a_restarted_server(monitor: Monitor, opened: Opened, folder: Path) -> None:
    """The page reports the lost connection, keeps its data and resyncs automatically."""
    training = monitor()
    trained(training, 10)
    page = opened("/", expect_errors=True, any_server=True)
    with serving(folder) as first:
        page.goto(f"{first}run?run=run")
        expect(chart(page)).to_have_attribute("data-points", "10")
    expect(page.get_by_role("alert")).to_contain_text("does not respond")
    trained(training, 5, 10)
    with serving(folder, port=int(first.rstrip("/").rsplit(":", 1)[1])):
        expect(chart(page)).to_have_attribute("data-points", "15")
        expect(page.get_by_role("alert")).to_be_hidden()
    training.close()
