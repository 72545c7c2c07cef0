"""Browser settings of the benchmarks."""

import shutil

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return the path of Chromium or Chrome, or `None` to let Playwright choose."""
    return shutil.which("chromium") or shutil.which("google-chrome")
