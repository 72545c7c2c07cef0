"""``vtracer-gym trace``: convert a logo, or all logos of a folder, to SVG."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from vtracer_gym.conversion import Conversion, ConversionOptions, convert
from vtracer_gym.errors import TraceError
from vtracer_gym.logos import read_image
from vtracer_gym.pipeline import SETTING_BOUNDS, WHOLE, Settings
from vtracer_gym.policy import Policy, model_policy, pretrained_policy

NO_MODEL: Final = "none"
DEFAULT_SETTING: Final = "default"


def trace(
    logo: Annotated[Path, typer.Argument(metavar="LOGO", help="Image (PNG, JPEG or WebP), or folder of images.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="SVG file, or folder for a folder. Default: LOGO.svg, or FOLDER-svg."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Folder of a trained model, or 'none' for the fixed setting. Default: the shipped model."),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="Fixed setting instead of a model: 'default', or NAME=VALUE for one value. Repeatable."),
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="Number of the model's tries. The best one is written.")] = 1,
    size: Annotated[
        int | None, typer.Option(min=32, help="Working size: longest side in pixels. Default: from the image.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Compare with VTracer's defaults.")] = False,
    gallery: Annotated[bool, typer.Option(help="For a folder: write a page that compares all logos.")] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="For a folder: number of processes. Default: one per processor.")
    ] = None,
) -> None:
    """Convert a logo to a compact SVG, with the setting that a trained model chooses for it.

    For a folder, all images below it are converted in parallel. The page OUT/index.html shows each one next to the
    original and to VTracer's result with its defaults.
    """
    options = ConversionOptions(*_choice(model, setting or []), tries=tries, size=size, compare=compare)
    if logo.is_dir():
        # Processes, a progress bar and the page, which a single logo does not need.
        folder: Any = import_module("vtracer_gym.cli.trace_folder")
        folder.trace_folder(logo, out or logo.with_name(f"{logo.resolve().name}-svg"), options, gallery, jobs)
        return
    target = out or logo.with_suffix(".svg")
    if target.is_dir():
        target /= f"{logo.stem}.svg"
    conversion = convert(read_image(logo), str(logo), options)
    write_document(target, conversion.svg)
    typer.echo(f"{target}: {result(conversion)}")


def _choice(model: str | None, assignments: list[str]) -> tuple[Policy | None, Settings]:
    """Return the policy, or None and a fixed setting.

    Raises:
        ModelError: The model is missing, damaged, or from another version of the environment.
        ValueError: A setting is unknown or invalid, or both options are given.
    """
    if assignments:
        if model not in {None, NO_MODEL}:
            raise ValueError("--model and --setting exclude each other: a model chooses all settings. Omit one of them")
        return None, parse_setting(assignments)
    if model == NO_MODEL:
        return None, Settings()
    policy = pretrained_policy() if model is None else model_policy(model)
    if policy is None:
        typer.echo(
            "this installation has no model; using the fixed setting. Pass --model FOLDER to choose one", err=True
        )
    return policy, Settings()


def parse_setting(assignments: list[str]) -> Settings:
    """Return the pipeline's default setting with assigned values, such as ``smoothing=0.3``.

    Raises:
        ValueError: A name is unknown, or a value is not a number or outside its range.
    """
    values: dict[str, Any] = {}
    for assignment in assignments:
        if assignment == DEFAULT_SETTING:
            continue
        name, equals, text = assignment.partition("=")
        if not equals or name not in SETTING_BOUNDS:
            names = ", ".join(SETTING_BOUNDS)
            raise ValueError(f"{assignment!r} is not a setting. Pass NAME=VALUE with one of these names: {names}")
        try:
            values[name] = int(text) if name in WHOLE else float(text)
        except ValueError:
            kind = "a whole number" if name in WHOLE else "a number"
            raise ValueError(f"{name} must be {kind}, got {text!r}") from None
    return Settings(**values)


def write_document(path: Path, svg: str) -> None:
    """Write an SVG document.

    Raises:
        TraceError: The folder of the file does not exist.
    """
    try:
        path.write_text(svg, encoding="utf-8")
    except FileNotFoundError:
        raise TraceError(f"{path} cannot be written: {path.parent} does not exist. Create this folder first") from None


def result(conversion: Conversion) -> str:
    """Return size and quality of a conversion, and the comparison with VTracer's defaults if there is one."""
    text = f"{conversion.size_bytes:,} bytes, SSIM {conversion.quality:.4f}"
    default = conversion.default
    if default is None:
        return text
    ratio = conversion.size_bytes / default.size_bytes
    return f"{text}; VTracer's defaults: {default.size_bytes:,} bytes, SSIM {default.quality:.4f} (ratio {ratio:.3f})"
