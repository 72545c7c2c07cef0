"""Facts needed to reproduce a training run: command, code version, package versions and machine."""

import email
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

_GIT_TIMEOUT_S = 5.0


def quick_facts() -> dict[str, Any]:
    """Return the facts that are immediately available: command line, folder, Python version and platform."""
    return {
        "command": [sys.executable, *sys.orig_argv[1:]],
        "folder": _folder(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
    }


@cache
def slow_facts() -> dict[str, Any]:
    """Return the facts that take longer to collect: the Git commit and the version of every installed package."""
    return {"git": _git(), "packages": _packages()}


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # the folder has been removed
        return ""


def _packages() -> dict[str, str]:
    found = {}
    for one in distributions():
        text = one.read_text("METADATA") or one.read_text("PKG-INFO") or ""
        # The description after the headers is long, and `one.metadata` would parse it as well.
        headers = email.message_from_string(text.partition("\n\n")[0])
        if headers["Name"] and headers["Version"]:
            found[headers["Name"].lower()] = headers["Version"]
    return dict(sorted(found.items()))


def _git() -> dict[str, Any] | None:
    commit = _ask_git("rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _ask_git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "branch": _ask_git("rev-parse", "--abbrev-ref", "HEAD"), "dirty": bool(changes)}


def _ask_git(*words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
