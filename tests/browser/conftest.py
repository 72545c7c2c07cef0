"""Fixtures for tests that drive Chromium against a real dashboard server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.dashboard.server import serving

Monitor = Callable[..., TrainingMonitor]
Opened = Callable[..., Page]

REQUIRED = "RLVITALS_BROWSER_TESTS"
"""Environment variable; `required` makes a missing Chromium a failure instead of a skip."""
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

expect.set_options(timeout=10_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "Chromium is not installed. Run `apt-get install chromium` (or `brew install chromium`)."
        if os.environ.get(REQUIRED) == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of runs."""
    return tmp_path / "logs"


@pytest.fixture
def monitor(folder: Path) -> Monitor:
    """Function that starts a run."""

    def begin(name: str = "run", **options: Any) -> TrainingMonitor:
        settings = RecorderSettings(system_interval_s=None)
        return TrainingMonitor(folder, session_name=name, settings=settings, **options)

    return begin


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """URL of the dashboard."""
    with serving(folder) as address:
        yield address.rstrip("/")


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Opened]:
    """Function that opens a page. Afterwards, no page has logged an error or requested another server."""
    wrong: list[str] = []
    contexts = []

    def refuse(dialog: Dialog) -> None:
        wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def open_page(path: str = "/", *, expect_errors: bool = False, any_server: bool = False, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        where = "http://127.0.0.1:" if any_server else address
        if not expect_errors:
            page.on("console", lambda said: wrong.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", refuse)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith((where, "blob:", "data:")) else wrong.append(asked.url),
        )
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
