from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner, Result

from vtracer_gym.cli.main import app
from vtracer_gym.cli.trace import parse_setting
from vtracer_gym.pipeline import Settings
from vtracer_gym.rasterize import draw

HEAVY = ("gymnasium", "rich.progress", "rlvitals", "stable_baselines3", "torch")


def run(*arguments: object) -> Result:
    """Run the command. Errors that `main` prints are raised."""
    return CliRunner().invoke(app, ["trace", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    """Draw a disc."""
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((8, 8, 56, 56), fill="white")
    picture.save(tmp_path / "disc.png")
    return tmp_path / "disc.png"


def test_a_logo_needs_no_options(logo: Path) -> None:
    """The SVG is written next to the image, with one line of output, and transparency is kept."""
    said = run(logo)
    drawn = draw(logo.with_suffix(".svg").read_text(), 64, 64)

    assert (said.exit_code, said.output.count("\n")) == (0, 1)
    assert "disc.svg: " in said.output
    assert [drawn[0, 0].tolist(), drawn[32, 32].tolist()] == [[0] * 4, [255] * 4]


def test_a_place_can_be_chosen(logo: Path, tmp_path: Path) -> None:
    """The output is a file, or an existing folder."""
    (tmp_path / "out").mkdir()
    run(logo, "-o", tmp_path / "a.svg")
    run(logo, "-o", tmp_path / "out")

    assert (tmp_path / "a.svg").read_text() == (tmp_path / "out" / "disc.svg").read_text()


def test_a_comparison_is_printed_on_request(logo: Path) -> None:
    """The comparison with VTracer's defaults costs time and is printed only on request."""
    assert "VTracer's defaults" in run(logo, "--compare").output
    assert "VTracer's defaults" not in run(logo).output


def test_a_setting_can_be_fixed(logo: Path, tmp_path: Path) -> None:
    """Fixed values change the drawing, and without values the fixed setting is the one without a model."""
    for name, option in {"a": "--model=none", "b": "--setting=default", "c": "--setting=grid=4"}.items():
        assert run(logo, option, "-o", tmp_path / f"{name}.svg").exit_code == 0
    written = {name: (tmp_path / f"{name}.svg").read_text() for name in "abc"}

    assert written["a"] == written["b"] != written["c"]


def test_settings_are_parsed() -> None:
    """Values are assigned on top of the pipeline's default setting."""
    assert parse_setting(["default", "color_precision=7", "smoothing=0.25"]) == Settings(
        color_precision=7, smoothing=0.25
    )


@pytest.mark.parametrize(
    ("assignment", "reason"),
    [
        ("speed=3", "'speed=3' is not a setting. Pass NAME=VALUE with one of these names: filter_speckle"),
        ("smoothing", "'smoothing' is not a setting"),
        ("smoothing=soft", "smoothing must be a number, got 'soft'"),
        ("color_precision=5.5", "color_precision must be a whole number, got '5.5'"),
        ("grid=100", "grid is 100.0, outside the range 1.5 to 5"),
    ],
)
def test_invalid_settings(assignment: str, reason: str) -> None:
    """An invalid setting is refused with the reason and the allowed values."""
    with pytest.raises(ValueError, match=reason):
        parse_setting([assignment])


def test_a_model_chooses_all_settings(logo: Path) -> None:
    """A model and a fixed setting exclude each other."""
    with pytest.raises(ValueError, match="exclude each other"):
        run(logo, "--model", "models", "--setting", "default")


def test_tracing_loads_nothing_heavy(logo: Path) -> None:
    """A single logo is traced without torch, Gymnasium, the monitor and progress bars."""
    script = (
        "import sys; from vtracer_gym.cli.main import app; app(sys.argv[1:], standalone_mode=False); "
        f"sys.exit(str([name for name in {HEAVY!r} if name in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", script, "trace", logo], check=False, capture_output=True, text=True)

    assert done.stderr == "\n"
    assert "SSIM" in done.stdout
