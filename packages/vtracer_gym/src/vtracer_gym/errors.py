"""What can go wrong, as a tree.

::

    VtracerGymError
    ├── LogoError            an image that cannot be used: corrupt, empty, too small, fully transparent
    ├── TraceError           VTracer refused or panicked; an attempt that failed
    ├── RasterizeError       resvg could not draw the SVG
    ├── ModelError           a trained model that is missing, foreign or made for another environment
    └── MissingPackageError  (ImportError) a required package is not installed
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping


class VtracerGymError(Exception):
    """The root: everything that this package raises on purpose."""


class LogoError(VtracerGymError):
    """An image cannot be used as a logo; the message names it and says why."""


class TraceError(VtracerGymError):
    """VTracer made no SVG of the image with these parameters."""


class RasterizeError(VtracerGymError):
    """The SVG could not be drawn."""


class ModelError(VtracerGymError):
    """A trained model cannot be used."""


class MissingPackageError(VtracerGymError, ImportError):
    """Required packages are not installed; the message gives the command that installs them.

    Args:
        missing: Each missing module, and what to install for it.
    """

    def __init__(self, missing: Mapping[str, str]) -> None:
        command = shlex.join(["pip", "install", *missing.values()])
        super().__init__(f"vtracer_gym needs {', '.join(missing)}, not installed here. To install: {command}")
