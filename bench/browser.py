"""How the benches start a browser."""

import shutil

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Where Chromium or Chrome is; `None` leaves it to Playwright."""
    return shutil.which("chromium") or shutil.which("google-chrome")
