"""Tests of grouping runs into experiments."""

from collections.abc import Callable

import pytest

from rlvitals.comparison.experiments import differing, flat, members_of
from rlvitals.errors import ComparisonError
from rlvitals.runs import Run

Seeds = Callable[..., list[Run]]
Trained = Callable[..., Run]


def test_all_settings_except_the_seed_form_groups(seeds: Seeds) -> None:
    """Nested settings form groups. Seeds and values that identify the run do not."""
    runs = [
        *seeds("a", 0.0, 2, ppo={"gamma": 0.9}, env_seed=1),
        *seeds("b", 0.0, 2, ppo={"gamma": 0.99}, env_seed=2),
        *seeds("c", 0.0, 1, ppo={"gamma": 0.99}, folder="logs/c-0/model"),
    ]
    members = members_of(runs, {}, None)

    assert [member.group for member in members] == ["ppo.gamma=0.9"] * 2 + ["ppo.gamma=0.99"] * 3
    assert [member.seed for member in members] == [0, 1, 0, 1, 0]
    assert differing(members) == ["ppo.gamma"]


def test_facts_of_a_trial_are_no_settings(seeds: Seeds) -> None:
    """Neither the number and the result of a trial nor parameters that the training records as settings, too."""
    trial = {"study": "s", "trial_state": "complete", "trial_parameters": {"lr": 0.1}}
    runs = [
        *seeds("a", 0.0, 1, lr=0.1, trial=1, trial_value=5.0, **trial),
        *seeds("b", 0.0, 1, lr=0.1, trial=2, trial_value=9.0, **trial),
        *seeds("c", 0.0, 1, lr=0.1),
    ]
    members = members_of(runs, {}, None)

    assert [member.group for member in members] == ["all runs"] * 3
    assert differing(members) == []


def test_an_unknown_setting_does_not_name_a_group(seeds: Seeds) -> None:
    """Settings that all groups have name them. A run with the same values has its own name."""
    runs = [
        *seeds("a", 0.0, 1, algo="ppo", lr=0.1),
        *seeds("b", 0.0, 1, algo="ppo", lr=0.2),
        *seeds("c", 0.0, 1, lr=0.2, steps=1, width=3, batch=8, depth=1),
        *seeds("d", 0.0, 1, lr=0.2, steps=1, width=3, batch=8, depth=2),
    ]
    members = members_of(runs, {}, None)

    assert [member.group for member in members] == ["lr=0.1", "lr=0.2", "c-0", "d-0"]


def test_environments_are_tasks(seeds: Seeds) -> None:
    """One configuration in two environments is one experiment with two tasks."""
    members = members_of([*seeds("a", 0.0, 1), *seeds("b", 0.0, 1, env_id="Other-v0")], {}, None)

    assert [(member.group, member.task) for member in members] == [("all runs", "Logos-v0"), ("all runs", "Other-v0")]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("lr", ["0.1", "0.2", "0.2"]),
        ("lr > 0.15", ["False", "True", "True"]),
        ("run[1]", ["a", "b", "c"]),
        ("git commit", None),
        (lambda run: run.run_id[0] == "a", ["True", "False", "False"]),
    ],
)
def test_any_expression_forms_groups(seeds: Seeds, by: str, groups: list[str] | None) -> None:
    """A setting, an SQL expression over settings, or a function forms groups."""
    members = members_of([*seeds("a", 0, 1, lr=0.1), *seeds("b", 0, 1, lr=0.2), *seeds("c", 0, 1, lr=0.2)], {}, by)
    found = [member.group for member in members]

    assert found == groups if groups else len(set(found)) == 1


@pytest.mark.parametrize("by", ["nothing_like_it", "lr +", "(select count(*) from read_csv('/etc/passwd'))"])
def test_an_invalid_expression_is_refused_with_the_settings(seeds: Seeds, by: str) -> None:
    """An invalid expression is refused with the available settings, and reads no file."""
    with pytest.raises(ComparisonError, match=r"cannot group these runs: .*settings are .*lr"):
        members_of(seeds("a", 0.0, 1, lr=0.1), {}, by)


def test_runs_without_settings_form_a_separate_group(seeds: Seeds, trained: Trained) -> None:
    """Runs that recorded only an environment form a separate group."""
    members = members_of([*seeds("a", 0.0, 2, lr=0.1), trained("b", [1.0]), trained("c", [1.0])], {}, None)

    assert [member.group for member in members] == ["settings known"] * 2 + ["settings unknown"] * 2


def test_a_setting_that_was_not_recorded_is_unknown(seeds: Seeds) -> None:
    """A setting recorded as `None` has a value, and a setting that was not recorded is unknown."""
    runs = [*seeds("a", 0.0, 1, target_kl=0.1), *seeds("b", 0.0, 1, target_kl=None), *seeds("c", 0.0, 1)]
    members = members_of(runs, {}, None)

    assert [member.group for member in members] == ["target_kl=0.1", "target_kl=None", "target_kl=unknown"]


def test_settings_are_flat() -> None:
    """Nested settings become dotted names, and lists become text."""

    assert dict(flat({"a": {"b": 1, "c": [1, 2]}, "d": None, "e": {}})) == {
        "a.b": 1,
        "a.c": "[1,2]",
        "d": None,
        "e": "{}",
    }
