"""The commands of ``vtracer-gym``; one file each."""

from vtracer_gym.cli.main import main

__all__ = ["main"]
