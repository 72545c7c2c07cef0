"""Screenshots of the dashboard for docs/images, with generated runs.

python bench/screenshots.py docs/images
"""

import io
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from browser import FLAGS, chromium
from made_runs import PLANS, STUDY, Plan, end, make, rising
from rlvitals.dashboard.server import serving

_COMPARED = "&".join(f"run=ppo-logos-lr{rate}" for rate in ("3e-4", "1e-3", "1e-2"))
_GROUPS = "&".join(f"group=study/{name}-*" for name in ("base", "entropy", "fast"))


class Shot(NamedTuple):
    """A screenshot of a page, with colour scheme and size."""

    name: str
    path: str
    light: str = "light"
    width: int = 1360
    height: int = 900
    tab_ready: str = "figure.chart canvas[data-points]"


SHOTS = (
    Shot("runs-light", "/", height=620, tab_ready="tr[data-run] .spark"),
    Shot("runs-dark", "/", "dark", height=620, tab_ready="tr[data-run] .spark"),
    Shot("run-light", "/run?run=ppo-logos-tonight", height=1150),
    Shot("run-dark", "/run?run=ppo-nan-at-noon", "dark", height=1150),
    Shot("ppo-light", "/run?run=ppo-logos-lr1e-2&tab=ppo&x=env_step", height=1000),
    Shot("parameters-dark", "/run?run=ppo-logos-lr3e-4&tab=parameters", "dark", height=1150, tab_ready=".effect"),
    Shot("evaluations-light", "/run?run=ppo-logos-lr3e-4&tab=evaluations", height=1000),
    Shot("pictures-light", "/run?run=ppo-logos-lr3e-4&tab=pictures", height=900, tab_ready=".picture img"),
    Shot("compare-light", f"/compare?{_COMPARED}&view=runs", height=1150),
    Shot("compare-groups-light", f"/compare?{_GROUPS}", height=1350),
    Shot("phone-light", "/run?run=ppo-logos-lr1e-2", width=390, height=844),
    Shot("phone-dark", "/", "dark", width=390, height=844, tab_ready="tr[data-run] .spark"),
)


def take(browser: Browser, address: str, shot: Shot, folder: Path) -> None:
    """Take one screenshot when the content of the page is ready."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.light == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address.rstrip("/") + shot.path)
    page.locator(shot.tab_ready).first.wait_for()
    if "/run" in shot.path:
        page.locator(".ring").wait_for()
    page.wait_for_timeout(1_500)  # wait until drawing is complete
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(folder / f"{shot.name}.png", optimize=True)
    context.close()


def main() -> None:
    """Generate the runs, serve them, and take the screenshots."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    with tempfile.TemporaryDirectory() as made:
        runs = Path(made) / "logs"
        for place, plan in enumerate(PLANS + STUDY):
            end(make(runs, plan, now=now - 1_800 * place), plan)
        live = Plan("ppo-logos-tonight", 1_600, rising(0.9, 4.0), finish="stay", configuration={"seed": 7})
        training = make(runs, live, now=now)
        with serving(runs) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            for shot in SHOTS:
                take(browser, address, shot, folder)
                print(shot.name)
            browser.close()
        training.close()


if __name__ == "__main__":
    main()
