"""Compact SVG writers, compared on VTracer's own curves.

    python bench/svg_writers.py [--logos FOLDER] [--count 40] [--size 128] [--svgo COMMAND]

VTracer traces each logo with its defaults. The document is rewritten by ``vtracer_gym.svg_writer`` with one decimal, by
scour (``pip install scour``), and by svgo (``npm install svgo``), both with their defaults and with one decimal. The
table has the bytes (geometric mean of the ratio to VTracer's document), the change of SSIM in each renderer, and the
time. svgo's time is that of one call for all documents, which contains the start of Node.js. Writers that are not
installed are skipped.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import vtracer_gym
from drawers import drawers
from vtracer_gym.shapes import parse_shapes
from vtracer_gym.similarity import Similarity
from vtracer_gym.svg_writer import write_svg
from vtracer_gym.tracing import encode_png, trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vtracer_gym import Logo

    Writer = Callable[[Sequence[str], Sequence[Logo]], list[str]]

DECIMALS = 1


def ours(documents: Sequence[str], logos: Sequence[Logo]) -> list[str]:
    """Rewrite documents with this package's writer."""
    return [
        write_svg(parse_shapes(svg), logo.width, logo.height, scale=1.0, grid=10.0**DECIMALS)
        for svg, logo in zip(documents, logos, strict=True)
    ]


def scour(arguments: Sequence[str]) -> Writer:
    """Return a writer that calls scour with command-line options."""
    module = importlib.import_module("scour.scour")

    def write(documents: Sequence[str], logos: Sequence[Logo]) -> list[str]:
        del logos
        return [str(module.scourString(svg, module.parse_args(list(arguments)))) for svg in documents]

    return write


def svgo(command: Sequence[str], precision: int | None) -> Writer:
    """Return a writer that calls svgo once for a folder of documents."""

    def write(documents: Sequence[str], logos: Sequence[Logo]) -> list[str]:
        del logos
        with tempfile.TemporaryDirectory() as folder:
            for index, svg in enumerate(documents):
                Path(folder, f"{index:04d}.svg").write_text(svg)
            options = ["--multipass", "--quiet", *(["--precision", str(precision)] if precision is not None else [])]
            subprocess.run([*command, *options, "--folder", folder], check=True)
            return [path.read_text() for path in sorted(Path(folder).iterdir())]

    return write


def writers(svgo_command: Sequence[str] | None) -> dict[str, Writer]:
    """Return the installed writers by name."""
    found: dict[str, Writer] = {"vtracer_gym": ours}
    if importlib.util.find_spec("scour"):
        compact = [
            "--enable-viewboxing",
            "--enable-id-stripping",
            "--shorten-ids",
            "--indent=none",
            "--strip-xml-prolog",
        ]
        found["scour"] = scour(compact)
        found["scour, 3 digits"] = scour([*compact, "--set-precision=3"])
    if svgo_command is not None:
        found["svgo"] = svgo(svgo_command, None)
        found[f"svgo, {DECIMALS} decimal"] = svgo(svgo_command, DECIMALS)
    return found


def main() -> None:
    """Print one row per writer, and the rows as JSON."""
    parser = argparse.ArgumentParser(description="Compact SVG writers.")
    parser.add_argument("--logos", type=Path, help="folder of logos; by default, generated samples")
    parser.add_argument("--count", type=int, default=40, help="number of logos")
    parser.add_argument("--size", type=int, default=128, help="longest side in pixels")
    parser.add_argument("--svgo", default=shutil.which("svgo"), help="command of svgo, such as 'npx svgo'")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    if options.logos is None:
        logos: Sequence[Logo] = vtracer_gym.sample_logos(options.count, rng, options.size)
    else:
        found = vtracer_gym.load_folder(options.logos, options.size).logos
        logos = [logo for logo in (found[index] for index in rng.permutation(len(found))) if logo.rgba is None]
        logos = logos[: options.count]
    documents = [trace(encode_png(logo.pixels)).svg for logo in logos]
    similarities = [Similarity(logo.pixels) for logo in logos]
    with drawers() as renderers:

        def qualities(written: Sequence[str]) -> dict[str, float]:
            return {
                name: float(
                    np.mean(
                        [
                            similarity.to(draw(svg, logo.width, logo.height))
                            for svg, logo, similarity in zip(written, logos, similarities, strict=True)
                        ]
                    )
                )
                for name, draw in renderers.items()
            }

        before = qualities(documents)
        print(f"{len(logos)} logos at {options.size} px; SSIM of VTracer's documents:", before)
        for name, write in writers(shlex.split(options.svgo) if options.svgo else None).items():
            started = time.perf_counter()
            written = write(documents, logos)
            milliseconds = 1e3 * (time.perf_counter() - started) / len(logos)
            ratio = float(np.exp(np.mean([np.log(len(a) / len(b)) for a, b in zip(written, documents, strict=True)])))
            change = {renderer: round(value - before[renderer], 5) for renderer, value in qualities(written).items()}
            row = {"writer": name, "bytes": round(ratio, 3), "ssim_change": change, "ms": round(milliseconds, 2)}
            print(json.dumps(row))


if __name__ == "__main__":
    main()
