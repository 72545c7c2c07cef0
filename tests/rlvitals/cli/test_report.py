"""`rlvitals report`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.cli.report import age_of

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def run(monitor: Monitor) -> Path:
    """A short run."""
    with monitor() as training:
        for at in range(20):
            training.log_episode(at, float(at), 5, None, None, None)
    return training.path


def test_a_report_goes_where_it_is_told_to(invoke: Invoke, run: Path, tmp_path: Path) -> None:
    """Its path and its size are printed."""
    result = invoke("report", run.name, "-o", "page.html")
    size = (tmp_path / "page.html").stat().st_size

    assert (result.exit_code, result.stdout) == (0, f"page.html  {size:,} bytes\n")


def test_by_default_it_goes_to_the_artifacts_of_the_run(invoke_json: InvokeJson, run: Path) -> None:
    """And JSON says where."""
    found = invoke_json("report", run.name)

    assert (found["kind"], found["path"]) == ("report", str(run / "artifacts" / "report.html"))
    assert Path(found["path"]).stat().st_size == found["bytes"]


def test_a_digest_is_of_a_folder(invoke_json: InvokeJson, run: Path, tmp_path: Path) -> None:
    """Of the runs of the last days."""
    found = invoke_json("report", run.parent, "--since", "1w", "-o", "week.md")

    assert found["kind"] == "digest"
    assert "| run | completed |" in (tmp_path / "week.md").read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("run", "-o", "x.doc"), "no report format"),
        (("run", "--since", "soon"), "is not a period: write 12h, 1d or 1w"),
        (("--since", "1d", "-o", "x.png"), "a PNG holds charts, and a digest has none; its name must end with .html"),
        (("nowhere",), "no run 'nowhere'"),
        (("nowhere", "--since", "1d"), "no folder 'nowhere'"),
    ],
)
@pytest.mark.usefixtures("run")
def test_what_cannot_be_done_is_told(invoke: Invoke, words: tuple[str, ...], reason: str) -> None:
    """With the way out, and exit code 2."""
    result = invoke("report", *words)

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(("said", "seconds"), [("12h", 43_200), ("1d", 86_400), ("2w", 1_209_600), ("0.5d", 43_200)])
def test_lengths_of_time(said: str, seconds: float) -> None:
    """Hours, days and weeks."""
    assert age_of(said) == seconds


@pytest.mark.parametrize("said", ["", "1", "d", "-1d", "0d", "1m", "1e9w", "99999999w"])
def test_what_is_not_a_period_is_refused(said: str) -> None:
    """Also none at all, and more than there has been."""
    with pytest.raises(typer.BadParameter, match="is not a period"):
        age_of(said)


def test_a_digest_is_of_the_usual_folder(invoke: Invoke, monitor: Monitor, logs: Path) -> None:
    """As with other commands, unless another one is named."""
    monitor().close()
    result = invoke("report", "--since", "1d")

    assert result.exit_code == 0
    assert "logs" in (logs.parent / "digest.html").read_text()
