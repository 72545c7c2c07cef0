"""Tests of the overall verdict of a comparison."""

from collections.abc import Callable

import numpy as np

from rlvitals import compare
from rlvitals.comparison.overall_verdict import overall_verdict
from rlvitals.comparison.wording import short
from rlvitals.runs import Run

Seeds = Callable[..., list[Run]]
Trained = Callable[..., Run]


def test_a_single_group_has_its_mean_with_interval_and_number_of_runs(seeds: Seeds) -> None:
    found = compare(*seeds("a", 0.0, 3, lr=0.1))
    mean, verdict = found.groups[0].estimates["final"].mean, overall_verdict(found)

    assert verdict.title == "Nothing to compare"
    assert verdict.text == (
        f"Mean reward over the last tenth: {short(mean.estimate)} "
        f"(95 % interval {short(mean.low)} to {short(mean.high)}), the mean of 3 runs."
    )


def test_a_single_run_has_its_value_without_an_interval(trained: Trained) -> None:
    verdict = overall_verdict(compare(trained("a", [2.0] * 40, lr=0.1)))

    assert verdict.text == "Mean reward over the last tenth: 2 (no interval from one run), the mean of 1 run."


def test_runs_without_settings_are_a_separate_group_with_its_mean(seeds: Seeds, trained: Trained) -> None:
    """Neither group is compared, so both are listed by name."""
    unknown = trained("b", np.linspace(2.0, 2.0, 40))
    lines = overall_verdict(compare(*seeds("a", 0.0, 2, lr=0.1), unknown)).text.splitlines()

    assert lines[0].startswith("Mean reward over the last tenth of settings known: ")
    assert lines[1].startswith("Mean reward over the last tenth of settings unknown: 2 (no interval from one run)")


def test_runs_of_unknown_settings_have_no_common_mean(trained: Trained) -> None:
    """Their settings can differ."""
    for name in "ab":
        trained(name, np.linspace(2.0, 2.0 + ord(name), 40))

    assert "listed below for each of 2 runs" in overall_verdict(compare("logs/*")).text


def test_runs_in_several_environments_have_no_common_mean(seeds: Seeds) -> None:
    found = compare(*seeds("a", 0.0, 2, lr=0.1), *seeds("b", 9.0, 2, lr=0.1, env_id="Two-v0"))

    assert overall_verdict(found).text == (
        "Mean reward over the last tenth: 4 runs in 2 environments. The mean of each environment is listed below."
    )


def test_groups_of_one_run_each_have_no_adjusted_verdict(seeds: Seeds) -> None:
    """None of the pairs is tested."""
    runs = [seeds(name, 0.0, 1, lr=lr)[0] for name, lr in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    found = compare(*runs)
    verdict = overall_verdict(found)

    assert not any("conclusions hold" in limit for limit in found.limits)
    assert (verdict.title, verdict.text) == (
        "No conclusion",
        "Of 2 comparisons with lr=0.1: 2 not enough runs.",
    )
