"""Tests of `rlvitals compare`."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def two_groups(monitor: Monitor, logs: Path) -> Path:
    """Three seeds for each of two learning rates, with rewards that differ clearly."""
    for lr, level in ((0.1, 0.0), (0.2, 50.0)):
        for seed in range(3):
            generator = np.random.default_rng(seed)
            with monitor(f"lr{lr}-{seed}", configuration={"lr": lr, "seed": seed, "env_id": "Logos-v0"}) as training:
                for episode in range(30):
                    training.log_episode(
                        episode, level + seed + 0.1 * generator.normal(), 10, env_step=10 * (episode + 1)
                    )
    return logs


def test_the_verdict_comes_first_with_its_explanation(invoke: Invoke, two_groups: Path) -> None:
    """Groups, tests, differences and the applied rules follow the verdict."""
    result = invoke("compare", two_groups)

    assert result.exit_code == 0
    assert result.stdout.splitlines()[2] == "● lr=0.2 is better than lr=0.1"
    assert "is better than lr=0.1: +50 in mean reward over the last tenth" in result.stdout
    assert "\n\nDifferences\n" in result.stdout
    assert "Hedges' g" in result.stdout
    assert "Runs are compared up to 300 environment steps" in result.stdout


def test_full_shows_every_section(invoke: Invoke, two_groups: Path) -> None:
    """Learning curves, profiles, runs and reproduction are only in the full document."""
    short, full = invoke("compare", two_groups).stdout, invoke("compare", two_groups, "--full").stdout

    for title in ("Learning curves", "Performance profiles", "Runs", "Reproduction"):
        assert f"\n\n{title}\n" not in short
        assert f"\n\n{title}\n" in full
    assert short.endswith("\nMore: run the same command with --full.\n")


def test_json_contains_the_whole_comparison(invoke_json: InvokeJson, two_groups: Path) -> None:
    """The JSON has verdicts, groups, runs and the divergence."""
    found = invoke_json("compare", two_groups, "--target", 20, "--margin", 1)

    assert found["comparisons"][0]["verdict"] == "better"
    assert [group["target"]["reached"] for group in found["groups"]] == [0, 3]
    assert len(found["runs"]) == 6
    assert found["divergence"] is None


def test_options_are_passed_to_the_comparison(invoke_json: InvokeJson, two_groups: Path) -> None:
    """Grouping, baseline, direction, references, axis and statistic affect the result."""
    found = invoke_json(
        *("compare", two_groups, "--by", "lr > 0.15", "--baseline", "True", "--lower-is-better"),
        *("--reference", "Logos-v0=0,100", "--axis", "episode", "--statistic", "area", "--every-pair"),
    )

    assert [group["name"] for group in found["groups"]] == ["True", "False"]
    assert found["comparisons"][0]["verdict"] == "better"
    assert (found["axis"], found["statistic"]) == ("episode", "area")
    assert found["groups"][0]["estimates"]["area"]["mean"]["estimate"] == pytest.approx(0.51, abs=0.01)


def test_two_runs_by_name_have_a_divergence(invoke: Invoke, two_groups: Path) -> None:
    """Two runs have no verdict, but the point where they diverge."""
    result = invoke("compare", "lr0.1-0", "lr0.2-0", "--folder", two_groups)

    assert "not enough runs" in result.stdout
    assert "Where the two runs diverge" in result.stdout


def test_patterns_are_searched_in_the_folder_of_runs(invoke: Invoke, invoke_json: InvokeJson, two_groups: Path) -> None:
    """A pattern is a group that can be named, and the name of a run can contain `=`."""
    (two_groups / "lr0.1-0").rename(two_groups / "lr=0.1-0")
    two_groups = two_groups.rename(two_groups.parent / "elsewhere")
    patterns = ("--folder", two_groups)

    assert "lr0.2-* vs. lr*0.1-*" in invoke("compare", "lr*0.1-*", "lr0.2-*", *patterns).stdout
    named = invoke_json("compare", "old=lr*0.1-*", "new=lr0.2-*", *patterns)
    assert [(group["name"], group["runs"]) for group in named["groups"]] == [("old", 3), ("new", 3)]
    assert "Where the two runs diverge" in invoke("compare", "lr=0.1-0", "lr0.2-0", *patterns).stdout


def test_a_pattern_without_a_match_reports_the_searched_folders(invoke: Invoke, two_groups: Path) -> None:
    """The error is one line that explains what to do."""
    result = invoke("compare", "lr0.1-*", "zzz-*", "--folder", two_groups)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"rlvitals: no run matches 'zzz-*' in the working directory {Path.cwd()} "
        f"or in {two_groups}. Run `rlvitals ls {two_groups}` to list runs.\n"
    )


def test_two_seeds_of_one_configuration_are_one_group(invoke: Invoke, two_groups: Path) -> None:
    """The output states this once, before the table; `--by run` compares the two runs."""
    result = invoke("compare", "lr0.1-0", "lr0.1-1", "--folder", two_groups)
    said = "The settings of these 2 runs are the same except for the seed"

    assert 0 < result.stdout.index(said) < result.stdout.index("\n\nGroups\n")
    assert result.stdout.count(said) == 1
    assert "Where the two runs diverge" in result.stdout
    assert (
        "lr0.1-1 vs. lr0.1-0" in invoke("compare", "lr0.1-0", "lr0.1-1", "--folder", two_groups, "--by", "run").stdout
    )


def test_duplicate_runs_are_listed_before_the_table(invoke: Invoke, two_groups: Path) -> None:
    """Duplicates are listed by name and left out of the count."""
    shutil.copytree(two_groups / "lr0.1-0", two_groups / "copy")
    result = invoke("compare", two_groups)

    assert 0 < result.stdout.index("Of 7 runs, 6 are distinct.") < result.stdout.index("\n\nGroups\n")
    assert "lr0.1-0 and copy" in " ".join(result.stdout.split())
    assert re.search(r"lr=0.1 +3 +0 +1 ", result.stdout)  # counted, counted as worst, left out


def test_an_empty_folder_is_an_error(invoke: Invoke, two_groups: Path) -> None:
    """A folder without runs is refused."""
    (two_groups / "empty").mkdir()
    result = invoke("compare", two_groups / "empty", two_groups / "lr0.1-0")

    assert result.exit_code == 2
    assert "there is no run in" in result.stderr


def test_a_single_run_is_ranked_among_earlier_runs(invoke: Invoke, invoke_json: InvokeJson, two_groups: Path) -> None:
    """Only earlier runs of the same environment in the folder count."""
    assert "higher than all 5 earlier runs" in invoke("compare", "lr0.2-2", "--folder", two_groups).stdout
    assert invoke_json("compare", "lr0.1-0", "--folder", two_groups)["earlier"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--unit", "episode"], "only runs can be compared"),
        (["--reference", "x"], "write ENVIRONMENT=ZERO,ONE"),
        (["--metric", "nothing"], "there is no metric 'nothing'"),
        (["--horizon", "-1"], "rlvitals: horizon -1.0: use a finite position"),
        (["--baseline", "x"], "rlvitals: baseline 'x' is not a group: the groups are lr=0.1, lr=0.2"),
    ],
)
def test_invalid_options_are_refused_in_one_line(invoke: Invoke, two_groups: Path, words: list[str], said: str) -> None:
    """The exit code is 2."""
    result = invoke("compare", two_groups, *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_page_is_written_in_addition_to_the_output(invoke: Invoke, two_groups: Path, tmp_path: Path) -> None:
    """It has the same verdict, replaces an existing file and contains the command without the output path."""
    page = tmp_path / "my page.html"
    page.write_text("of yesterday")
    result = invoke("compare", two_groups, "--html", page, "--target", 20, "--every-pair")

    assert "● lr=0.2 is better than lr=0.1\n" in result.stdout
    assert result.stdout.endswith(f"my page.html  {page.stat().st_size:,} bytes\n")
    assert page.read_text().startswith("<!doctype html>")
    assert f"rlvitals compare {two_groups} --target 20.0 --every-pair</pre>" in page.read_text()


def test_reports_are_written_with_json(invoke_json: InvokeJson, two_groups: Path, tmp_path: Path) -> None:
    """The JSON lists the path and size of each report."""
    paths = [tmp_path / "a.html", tmp_path / "b.md"]
    found = invoke_json("compare", two_groups, "--html", paths[0], "-o", paths[1])

    assert found["comparisons"][0]["verdict"] == "better"
    assert found["reports"] == [{"path": str(path), "bytes": path.stat().st_size} for path in paths]


def test_the_report_of_two_runs_shows_where_they_diverge(invoke: Invoke, two_groups: Path, tmp_path: Path) -> None:
    """Two runs given by name have a section on their divergence."""
    invoke("compare", "lr0.1-0", "lr0.2-0", "--folder", two_groups, "-o", tmp_path / "two.md")

    assert "## Where the two runs diverge" in (tmp_path / "two.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x.doc"], "x.doc has no report format: its name must end with .html"),
        (["--html", "x.md"], "--html x.md: the file name must end with .html. Use -o for .html, .htm, .md"),
        (["--html", "folder.html"], "folder.html cannot be written"),
        (["--html", "taken/x.html"], "x.html cannot be written"),
    ],
)
def test_an_invalid_report_path_is_refused(
    invoke: Invoke, two_groups: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    """The error is one line, and no file is left behind."""
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "taken").touch()
    result = invoke("compare", two_groups, *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith((".", "x"))] == []


def test_a_single_run_has_no_comparison_report(invoke: Invoke, two_groups: Path) -> None:
    """The error names the command that writes a report of the run."""
    result = invoke("compare", "lr0.1-0", "--folder", two_groups, "--html", "x.html")

    assert result.exit_code == 2
    assert "is a single run, so there is no comparison to report" in result.stderr
    assert "`rlvitals report lr0.1-0`" in result.stderr


def test_one_configuration_in_two_environments_has_a_mean_in_each(invoke: Invoke, monitor: Monitor, logs: Path) -> None:
    """The short output has the table by environment, because there is no other mean."""
    for name, level in (("Easy-v0", 2.0), ("Hard-v0", 1.0)):
        for seed in range(2):
            with monitor(f"{name}-{seed}", configuration={"lr": 0.1, "seed": seed, "env_id": name}) as training:
                for episode in range(30):
                    training.log_episode(episode, level + seed, 10, env_step=10 * (episode + 1))
    text = invoke("compare", logs).stdout

    assert text.splitlines()[2] == "● Nothing to compare"
    assert re.search(r"Easy-v0 +all runs +2 +2.5 ", text)
    assert re.search(r"Hard-v0 +all runs +2 +1.5 ", text)
