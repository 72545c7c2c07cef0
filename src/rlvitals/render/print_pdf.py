"""PDF output of HTML pages, printed by an installed Chromium, Chrome or Edge."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from rlvitals.errors import ExportError

VARIABLE = "RLVITALS_CHROMIUM"
"""Environment variable with the path of the browser, if it is not found automatically."""

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
    "--disable-dev-shm-usage",  # containers limit /dev/shm to 64 MiB
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
)
_PATIENCE_S = 180.0
_MOST_SAID = 300


def find_browser() -> str:
    """Return the path of a browser that can print.

    Raises:
        ExportError: No browser is found.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ExportError(f"{VARIABLE}={named} is not a program. Set it to the path of Chromium or Chrome")
        return found
    places = (*map(shutil.which, _NAMES), *filter(os.path.isfile, _PLACES))
    found = next(filter(None, places), None)
    if found is None:
        raise ExportError(
            "PDF output needs Chromium, Chrome or Edge, but none is installed. Install one, set "
            f"{VARIABLE} to its path, or write .html and print it from a browser"
        )
    return found


def pdf(page: str) -> bytes:
    """Print a page and return the PDF.

    Args:
        page: Self-contained HTML page.

    Raises:
        ExportError: No browser is found, or it could not print the page.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="rlvitals-print-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "page.html", folder / "page.pdf"
        source.write_text(page, encoding="utf-8", errors="replace")
        # Chromium refuses its sandbox to root. The page is our own and has no script.
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
