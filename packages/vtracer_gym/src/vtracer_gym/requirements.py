"""Required packages of vtracer_gym."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

REQUIREMENTS: Final = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "gymnasium": "rlvitals[gymnasium]",
    "numpy": "numpy",
    "thorvg_python": "thorvg-python",
    "rich": "rich",
    "rlvitals": "rlvitals",
    "stable_baselines3": "rlvitals[sb3]",
    "typer": "typer",
    "vtracer": "vtracer",
}
"""Package to install for each imported module."""


def missing_packages() -> dict[str, str]:
    """Return the required modules that are not installed, without importing any module.

    Returns:
        Package to install for each missing module.
    """
    return {module: package for module, package in REQUIREMENTS.items() if find_spec(module) is None}
