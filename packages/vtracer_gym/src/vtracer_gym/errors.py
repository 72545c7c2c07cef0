"""Exception hierarchy.

::

    VtracerGymError
    ├── LogoError            an image is unusable: corrupt, empty, too small or fully transparent
    ├── TraceError           VTracer failed or panicked
    ├── RasterizeError       ThorVG cannot draw the SVG
    ├── ModelError           a trained model is missing, invalid or from another version of the environment
    └── MissingPackageError  (ImportError) a required package is not installed
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping


class VtracerGymError(Exception):
    """Base class of all exceptions that this package raises."""


class LogoError(VtracerGymError):
    """An image cannot be used as a logo. The message contains its name and the reason."""


class TraceError(VtracerGymError):
    """VTracer produced no SVG for the image with these parameters."""


class RasterizeError(VtracerGymError):
    """The SVG cannot be drawn."""


class ModelError(VtracerGymError):
    """A trained model cannot be used."""


class MissingPackageError(VtracerGymError, ImportError):
    """Required packages are not installed. The message contains the installation command.

    Args:
        missing: Package to install for each missing module.
    """

    def __init__(self, missing: Mapping[str, str]) -> None:
        command = shlex.join(["pip", "install", *missing.values()])
        super().__init__(f"vtracer_gym needs {', '.join(missing)}. Install the missing packages with: {command}")
