"""What can go wrong, as a tree.

::

    VtracerGymError
    ├── LogoError         an image that cannot be used: corrupt, empty, too small, fully transparent
    ├── TraceError        VTracer refused or panicked; an attempt that failed
    ├── RasterizeError    resvg could not draw the SVG
    └── ModelError        a trained model that is missing, foreign or made for another environment
"""

from __future__ import annotations


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
