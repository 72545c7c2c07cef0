"""The packages that vtracer_gym needs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

REQUIREMENTS: Final = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "gymnasium": "rlvitals[gymnasium]",
    "numpy": "numpy",
    "resvg_py": "resvg-py",
    "rich": "rich",
    "rlvitals": "rlvitals",
    "stable_baselines3": "rlvitals[sb3]",
    "typer": "typer",
    "vtracer": "vtracer",
}
"""Each module that is imported, and what to install for it."""


def missing_packages() -> dict[str, str]:
    """Find the required modules that are not installed, without importing any.

    Returns:
        Each missing module, and what to install for it.
    """
    return {module: package for module, package in REQUIREMENTS.items() if find_spec(module) is None}
