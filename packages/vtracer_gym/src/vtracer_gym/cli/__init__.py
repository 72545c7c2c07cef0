"""Commands of ``vtracer-gym``, one module per command."""

from vtracer_gym.cli.main import main

__all__ = ["main"]
