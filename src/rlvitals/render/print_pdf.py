"""Pages as PDF, printed by an installed Chromium, Chrome or Edge, with everything that the page has."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rlvitals.errors import ExportError

VARIABLE = "RLVITALS_CHROMIUM"
"""The environment variable that names the browser, where it is not found by itself."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers give it 64 MiB
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)
_PATIENCE_S = 180.0
_MOST_SAID = 300


def find_browser() -> str:
    """Find a browser that prints.

    Raises:
        ExportError: There is none.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ExportError(f"{VARIABLE}={named} is not a program: set it to the path of Chromium or Chrome")
        return found
    places = (*map(shutil.which, _NAMES), *filter(os.path.isfile, _PLACES))
    found = next(filter(None, places), None)
    if found is None:
        raise ExportError(
            "a PDF is printed by Chromium, Chrome or Edge, and none is installed: install one, or set "
            f"{VARIABLE} to its path, or write .html and print that from a browser"
        )
    return found


def pdf(page: str) -> bytes:
    """Print a page.

    Args:
        page: A page of HTML that needs nothing from elsewhere.

    Raises:
        ExportError: There is no browser, or it could not print the page.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="rlvitals-print-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "page.html", folder / "page.pdf"
        source.write_text(page, encoding="utf-8", errors="replace")
        # For root it has no sandbox; the page has no script, and is ours.
        flags = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        command = [browser, *_FLAGS, *flags, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={target}"]
        try:
            done = subprocess.run([*command, source.as_uri()], capture_output=True, timeout=_PATIENCE_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ExportError(f"{browser} could not print the page: {error}") from error
        if done.returncode or not target.is_file():
            words = done.stderr.decode(errors="replace").strip()[-_MOST_SAID:]
            raise ExportError(f"{browser} could not print the page (exit code {done.returncode}): {words}")
        return target.read_bytes()
