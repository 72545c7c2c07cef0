"""Performance of the dashboard with a run of a million episodes, a thousand runs, and twenty pages on ten live runs.

python bench/dashboard.py [FOLDER]     FOLDER keeps the generated runs; the default is a temporary folder
"""

import json
import math
import multiprocessing
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from browser import FLAGS, chromium
from rlvitals import RecorderSettings, TrainingMonitor

MILLION = 1_000_000
_QUIET = RecorderSettings(system_interval_s=None)
_LIVE_S = 20.0
_MIB = 1 << 20
_ZOOM = """([low, high]) => new Promise((done) => {
  const chart = document.querySelector('figure[data-chart="Reward"]').chart;
  const before = chart.lines[0], began = performance.now();
  const look = () => (chart.lines[0] === before ? setTimeout(look, 5) : done(performance.now() - began));
  chart.zoom(low, high);
  look();
})"""
"""Zooms the reward chart and returns the milliseconds until the new points are drawn."""
_CURVES = """(wanted) => new Promise((done) => {
  const look = () => (document.querySelectorAll('tr[data-run] .spark').length < wanted ? setTimeout(look, 20) : done());
  look();
})"""
"""Waits until the given number of list rows have their curves."""


def make_million(folder: Path) -> None:
    """Create a run of a million episodes and two thousand updates, unless it exists."""
    if (folder / "million" / "run.json").exists():
        return
    rng, step, began = random.Random(0), 0, time.time() - MILLION / 10
    with TrainingMonitor(folder, session_name="million", settings=_QUIET) as training:
        for number in range(MILLION):
            step += 15
            reward = rng.gauss(0, 1) + 3 * (1 - math.exp(-number / (MILLION / 3)))
            training.log_episode(
                number,
                reward if number % 100_003 else math.nan,
                rng.randint(1, 30),
                env_step=step,
                time=began + number / 10,
                success=reward > 1,
                category=("simple", "text", "gradient", "complex")[number % 4],
                quality_final=0.7 + reward / 100,
            )
            if number % 500 == 0:
                training.log_training_step(step, 0.1, 0.2, 1.0, env_step=step, time=began + number / 10)


def make_thousand(folder: Path) -> None:
    """Create a thousand finished runs by copying one run under other names."""
    with TrainingMonitor(folder, session_name="run-0000", settings=_QUIET) as training:
        for number in range(200):
            training.log_episode(number, math.sin(number / 20), 5, env_step=5 * number, success=number % 2 == 0)
    for copy in range(1, 1_000):
        path = folder / f"run-{copy:04d}"
        shutil.copytree(training.path, path)
        header = path / "run.json"
        header.write_text(header.read_text().replace('"run-0000"', f'"run-{copy:04d}"'))


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the dashboard in a separate process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "rlvitals", "ui", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/api/v1/metrics").read()  # noqa: S310 - local server
            break
        except OSError:
            time.sleep(0.05)
    try:
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def first_paint(browser: Browser, url: str, ready: str) -> tuple[float, Page]:
    """Return the seconds until the main content of a page is visible, and the page."""
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    begun = time.perf_counter()
    page.goto(url)
    page.locator(ready).first.wait_for()
    return time.perf_counter() - begun, page


def million(browser: Browser, folder: Path) -> None:
    """Measure first paint, zoom and memory for a run of a million episodes."""
    make_million(folder)
    drawn = 'figure[data-chart="Reward"] canvas[data-points]'
    with server(folder) as (address, process):
        urllib.request.urlopen(f"{address}/api/v1/runs").read()  # noqa: S310 - local server
        for what in ("first view", "repeated view"):
            took, page = first_paint(browser, f"{address}/run?run=million", drawn)
            print(f"1,000,000 episodes, {what}: curves after {took:.2f} s")
        time.sleep(10)  # wait for the diagnosis
        zooms = [page.evaluate(_ZOOM, [100_000 * turn, 100_000 * turn + 60_000]) for turn in range(8)]
        print(f"zoom, all five charts: median {statistics.median(zooms):.0f} ms, worst {max(zooms):.0f} ms")
        heap = page.evaluate("performance.memory.usedJSHeapSize")
        print(f"memory: server {process.memory_info().rss / _MIB:.0f} MiB, page {heap / _MIB:.0f} MiB of JavaScript")


def thousand(browser: Browser, folder: Path) -> None:
    """Measure the list of a thousand runs."""
    make_thousand(folder)
    with server(folder) as (address, _):
        took, page = first_paint(browser, f"{address}/", "tr[data-run]")
        begun = time.perf_counter()
        page.locator('tr[data-run]:first-child .spark, tr[data-run]:first-child [data-label="Reward"] svg').wait_for()
        print(f"1,000 runs: listed after {took:.2f} s, first curve {time.perf_counter() - begun:.2f} s later")
        page.evaluate(_CURVES, 300)
        print(f"1,000 runs: all 300 rows shown have curves {time.perf_counter() - begun:.1f} s later")


def live(folder: str, name: str, seconds: float) -> None:
    """Log 20 episodes and one update per second."""
    with TrainingMonitor(folder, session_name=name, settings=_QUIET) as training:
        begun, number = time.time(), 0
        while time.time() - begun < seconds:
            training.log_episode(number, math.sin(number / 50), 5, env_step=5 * number, success=number % 2 == 0)
            if number % 20 == 0:
                training.log_training_step(5 * number, 0.1, 0.2, 1.0, env_step=5 * number)
            number += 1
            time.sleep(0.05)


def listen(address: str, run: str, stop: threading.Event, delays: list[float]) -> None:
    """Read the event stream like a page, without a browser: twenty browsers would use the processor of the server."""
    with urllib.request.urlopen(f"{address}/api/v1/stream?run={run}") as stream:  # noqa: S310 - local server
        event = b""
        while not stop.is_set():
            line = stream.readline()
            if line.startswith(b"event: "):
                event = line[7:].strip()
            elif event == b"grown" and line.startswith(b"data: "):
                columns = json.loads(line[6:])["columns"]
                delays += [time.time() - made for made in (columns or {}).get("time", [])[-1:]]


def twenty(browser: Browser, folder: Path) -> None:
    """Measure twenty pages on ten live runs: the server's share of a core and the delay of records."""
    names = [f"live-{number}" for number in range(10)]
    writers = [multiprocessing.Process(target=live, args=(str(folder), name, _LIVE_S + 15)) for name in names]
    for writer in writers:
        writer.start()
    time.sleep(4)
    stop, delays = threading.Event(), list[float]()
    with server(folder) as (address, process):
        pages = [threading.Thread(target=listen, args=(address, name, stop, delays), daemon=True) for name in 2 * names]
        for page in pages:
            page.start()
        _, shown = first_paint(browser, f"{address}/run?run=live-0", 'figure[data-chart="Reward"] canvas[data-points]')
        time.sleep(3)
        delays.clear()
        before = process.cpu_times()
        time.sleep(_LIVE_S)
        after = process.cpu_times()
        used = (after.user + after.system - before.user - before.system) / _LIVE_S
        stop.set()
        late = statistics.quantiles(delays, n=100)[98]
        print(f"20 pages on 10 live runs: {100 * used:.0f} % of a core, {process.memory_info().rss / _MIB:.0f} MiB")
        print(f"a record arrives after {statistics.median(delays):.2f} s (99 of 100 within {late:.2f} s)")
        shown.close()
    for writer in writers:
        writer.terminate()


def main() -> None:
    """Run all measurements."""
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        kept = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made)
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS, "--enable-precise-memory-info"])
        million(browser, kept / "long")
        thousand(browser, Path(made) / "many")
        twenty(browser, Path(made) / "live")
        browser.close()


if __name__ == "__main__":
    main()
