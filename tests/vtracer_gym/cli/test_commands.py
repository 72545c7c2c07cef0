from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from vtracer_gym.cli.main import main
from vtracer_gym.rasterize import rasterize
from vtracer_gym.samples import sample_logos

TINY = [
    "--generations",
    "0",
    "--exploration",
    "0",
    "--steps",
    "16",
    "--size",
    "64",
    "--attempts",
    "2",
    "--processes",
    "1",
    "--search-tries",
    "2",
]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["vtracer-gym", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with twelve logos and one unreadable file."""
    place = tmp_path_factory.mktemp("logos")
    for logo in sample_logos(12, np.random.default_rng(0), 64):
        path = place / f"{logo.name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(logo.pixels).save(path)
    (place / "text" / "broken.png").write_bytes(b"broken")
    return place


def trained(monkeypatch: pytest.MonkeyPatch, folder: Path, out: Path, *more: object) -> int:
    places = ["--logos", folder, "--out", out / "models", "--log-dir", out / "logs"]
    return run(monkeypatch, "train", *places, *TINY, *more)


def test_train_evaluate_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    """Training on a folder of logos creates a model, which can be evaluated and used for tracing."""
    model = tmp_path / "models" / "seed-0"

    assert trained(monkeypatch, folder, tmp_path, "--seeds", 1, "--size", 48) == 0
    said = capsys.readouterr().out
    assert ("First try at 48 px: " in said, "First try at 64 px: " in said) == (True, True)
    assert "broken.png: the image cannot be read (unknown format)" in said
    *_, shows, evaluates, traces = said.splitlines()
    header = json.loads((tmp_path / shlex.split(shows)[-1] / "run.json").read_text(encoding="utf-8"))
    assert (header["project"], set(header["configuration"]["versions"])) == (
        "vtracer-gym",
        {"vtracer", "thorvg-python"},
    )
    assert shlex.split(evaluates)[1:4] == ["evaluate", "--model", str(model)]
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *shlex.split(traces)[1:]) == 0
    assert (model.parent / "seed-0" / "evaluation.json").exists()
    assert run(monkeypatch, "evaluate", "--model", model, "--logos", folder, "--log-dir", tmp_path / "logs",
               "--search-tries", 2, "--processes", 1) == 0  # fmt: skip
    assert "agent, first try" in capsys.readouterr().out
    svg = tmp_path / "logo.svg"
    assert run(monkeypatch, "trace", folder / "text" / "sample-0001.png", "-o", svg, "--model", model) == 0
    assert svg.read_text().rstrip().endswith("</svg>")


def test_a_transparent_logo_stays_transparent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A white disc on a transparent background is traced with a transparent background."""
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((8, 8, 56, 56), fill="white")
    picture.save(tmp_path / "logo.png")

    assert run(monkeypatch, "trace", tmp_path / "logo.png", "-o", tmp_path / "logo.svg") == 0
    drawn = rasterize((tmp_path / "logo.svg").read_text(), 64, 64, "#ff0000")
    assert [drawn[0, 0].tolist(), drawn[32, 32].tolist()] == [[255, 0, 0], [255, 255, 255]]


def test_demo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The demo terminates and produces a table and a picture."""
    code = run(
        monkeypatch,
        "demo",
        "--out",
        tmp_path / "demo",
        "--steps",
        16,
        "--samples",
        20,
        "--generations",
        0,
        "--exploration",
        4,
        "--size",
        64,
        "--processes",
        1,
        "--search-tries",
        4,
    )
    said = capsys.readouterr().out

    assert code == 0
    assert "First try at 64 px: " in said
    assert "written compactly" in said
    assert "95 % intervals" in said
    assert "gallery.png" in said
    assert (tmp_path / "demo" / "gallery" / "index.html").exists()
    with Image.open(tmp_path / "demo" / "gallery.png") as picture:
        assert picture.width > 900


def test_trace_without_a_model(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path) -> None:
    """Without a model, a logo is traced with VTracer's defaults."""
    assert run(monkeypatch, "trace", folder / "simple" / "sample-0000.png", "-o", tmp_path / "logo.svg") == 0
    assert "<svg" in (tmp_path / "logo.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["trace", "absent.png", "-o", "a.svg"], "absent.png: No such file"),
        (["trace", "{logo}", "-o", "absent/a.svg"], "absent does not exist"),
        (["trace", "{logo}", "-o", "a.svg", "--model", "absent"], "no trained model"),
        (["trace", "{broken}", "-o", "a.svg"], "broken.png: the image cannot be read (unknown format)"),
        (["train", "--logos", "absent"], "absent is not a folder"),
        (["train", "--logos", "{folder}", "--unseen", "2"], "between 0 and 1"),
        (
            ["train", "--logos", "absent", "--search-tries", "3"],
            "search needs at least as many tries as the agent (4), got 3",
        ),
        (["evaluate", "--model", "absent"], "no trained model"),
    ],
)
def test_user_errors_are_printed_on_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    tmp_path: Path,
    arguments: list[str],
    reason: str,
) -> None:
    """Errors that the user can fix are printed on one line, with exit code 2 and without a traceback."""
    monkeypatch.chdir(tmp_path)
    places = {"logo": folder / "simple" / "sample-0000.png", "broken": folder / "text" / "broken.png", "folder": folder}
    code = run(monkeypatch, *[argument.format(**places) for argument in arguments])
    said = capsys.readouterr().err

    assert code == 2
    assert reason in said
    assert "Traceback" not in said
    assert " object at 0x" not in said


def test_seeds_are_trained_in_parallel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    """Two seeds in two processes give two models, two runs, one table and a comparison paired by logo."""

    assert trained(monkeypatch, folder, tmp_path, "--seeds", 2, "--parallel", 2) == 0
    shown = capsys.readouterr().out

    assert "2 trainings, 2 in parallel" in shown
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"seed-0", "seed-1"}
    assert len(list((tmp_path / "logs").iterdir())) == 2
    assert "first try vs. defaults: " in shown
