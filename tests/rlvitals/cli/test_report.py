"""Tests of `rlvitals report`."""

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


def test_a_report_is_written_to_the_given_path(invoke: Invoke, run: Path, tmp_path: Path) -> None:
    """The command prints the path and the size."""
    result = invoke("report", run.name, "-o", "page.html")
    size = (tmp_path / "page.html").stat().st_size

    assert (result.exit_code, result.stdout) == (0, f"page.html  {size:,} bytes\n")


def test_the_default_path_is_in_the_artifacts_of_the_run(invoke_json: InvokeJson, run: Path) -> None:
    """The JSON has the path and the size."""
    found = invoke_json("report", run.name)

    assert (found["kind"], found["path"]) == ("report", str(run / "artifacts" / "report.html"))
    assert Path(found["path"]).stat().st_size == found["bytes"]


def test_since_writes_a_digest_of_a_folder(invoke_json: InvokeJson, run: Path, tmp_path: Path) -> None:
    """The digest lists the runs of the period."""
    found = invoke_json("report", run.parent, "--since", "1w", "-o", "week.md")

    assert found["kind"] == "digest"
    assert "| run | completed |" in (tmp_path / "week.md").read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("run", "-o", "x.doc"), "no report format"),
        (("run", "--since", "soon"), "is not a period: write 12h, 1d or 1w"),
        (
            ("--since", "1d", "-o", "x.png"),
            "a PNG holds only charts, and a digest has no charts; its name must end with .html",
        ),
        (("nowhere",), "no run 'nowhere'"),
        (("nowhere", "--since", "1d"), "no folder 'nowhere'"),
    ],
)
@pytest.mark.usefixtures("run")
def test_invalid_arguments_are_refused(invoke: Invoke, words: tuple[str, ...], reason: str) -> None:
    """The error explains what to do, and the exit code is 2."""
    result = invoke("report", *words)

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(("said", "seconds"), [("12h", 43_200), ("1d", 86_400), ("2w", 1_209_600), ("0.5d", 43_200)])
def test_periods_are_parsed(said: str, seconds: float) -> None:
    """Hours, days and weeks are accepted."""
    assert age_of(said) == seconds


@pytest.mark.parametrize("said", ["", "1", "d", "-1d", "0d", "1m", "1e9w", "99999999w"])
def test_invalid_periods_are_refused(said: str) -> None:
    """Periods of zero and very long periods are refused too."""
    with pytest.raises(typer.BadParameter, match="is not a period"):
        age_of(said)


def test_a_digest_covers_the_default_folder(invoke: Invoke, monitor: Monitor, logs: Path) -> None:
    """Without a folder argument, the digest covers `logs`."""
    monitor().close()
    result = invoke("report", "--since", "1d")

    assert result.exit_code == 0
    assert "logs" in (logs.parent / "digest.html").read_text()
