"""Conversion of all images of a folder in parallel processes, with a progress bar and a gallery page."""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vtracer_gym.conversion import convert
from vtracer_gym.errors import LogoError, VtracerGymError
from vtracer_gym.gallery_page import ComparedLogo, save_logo, save_page, summary_sentence
from vtracer_gym.logos import image_files, read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vtracer_gym.conversion import ConversionOptions


def trace_folder(folder: Path, out: Path, options: ConversionOptions, gallery: bool, jobs: int | None) -> None:
    """Convert all images below a folder to SVGs with the same relative paths.

    Args:
        folder: Folder of images.
        out: Folder for the SVGs and the page. It is created.
        options: Options of the conversions.
        gallery: Whether to write a page that compares all logos.
        jobs: Number of processes, by default one per processor.

    Raises:
        LogoError: The folder contains no image.
        Exit: Some images could not be converted. The reasons are printed.
    """
    files = [path for path in image_files(folder) if not path.is_relative_to(out)]  # not those of an earlier page
    if not files:
        raise LogoError(f"{folder} contains no PNG, JPEG or WebP image")
    convert_file = functools.partial(
        _convert_file, out=out, options=replace(options, compare=options.compare or gallery), gallery=gallery
    )
    tasks = list(zip(files, _names(folder, files), strict=True))
    converted: dict[str, ComparedLogo] = {}
    failures: dict[str, str] = {}
    context = multiprocessing.get_context("forkserver")  # a plain fork can deadlock the threads of OpenCV
    context.set_forkserver_preload([__name__])
    processes = min(jobs or os.cpu_count() or 1, len(files))
    console = Console()
    with _bar(console) as progress, ProcessPoolExecutor(processes, context, cv2.setNumThreads, (1,)) as pool:
        bar = progress.add_task("logos", total=len(files))
        futures = {pool.submit(convert_file, path, name): name for path, name in tasks}
        for future in as_completed(futures):
            try:
                converted[futures[future]] = future.result()
            except (VtracerGymError, OSError) as error:
                failures[futures[future]] = str(error)
            except BrokenProcessPool:
                failures[futures[future]] = f"{futures[future]}: a process ended unexpectedly, perhaps out of memory"
            progress.advance(bar)
    ordered = [converted[name] for _, name in tasks if name in converted]
    _report(ordered, [failures[name] for _, name in tasks if name in failures], out, gallery=gallery)


def _names(folder: Path, files: Sequence[Path]) -> list[str]:
    """Return the relative path of each SVG. It keeps the image's suffix where two images differ only in it."""
    relative = [path.relative_to(folder) for path in files]
    counts = Counter(path.with_suffix("") for path in relative)
    return [
        (
            path.with_suffix(".svg") if counts[path.with_suffix("")] == 1 else path.with_name(f"{path.name}.svg")
        ).as_posix()
        for path in relative
    ]


def _convert_file(path: Path, name: str, *, out: Path, options: ConversionOptions, gallery: bool) -> ComparedLogo:
    """Convert a file, and write the SVG and the page's pictures. Runs in a separate process."""
    data = read_image(path)
    conversion = convert(data, str(path), options)
    return save_logo(conversion, out, name, data if gallery else None, path.suffix.lower())


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, expand=True, transient=True)


def _report(logos: Sequence[ComparedLogo], failures: Sequence[str], out: Path, *, gallery: bool) -> None:
    """Write the page, and print the result and the failures."""
    if logos:
        typer.echo(f"{out}: {summary_sentence(logos)}")
    if logos and gallery:
        typer.echo(f"gallery: {save_page(logos, out, failures)}")
    if failures:
        typer.echo(f"{len(failures)} failed:", err=True)
        for failure in failures:
            typer.echo(f"  {failure}", err=True)
        raise typer.Exit(1)
