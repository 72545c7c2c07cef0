"""Tests of the report of a study."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.documents.document import Document, Facts, Section, Table, brief_of
from rlvitals.documents.run_data import run_data
from rlvitals.documents.run_report import run_document
from rlvitals.documents.study_section import without_rewards
from rlvitals.runs import Run

Recorded = Callable[[str], Run]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Function that records a study of 30 trials, one of them pruned, and one failed trial."""

    def record(direction: str) -> Run:
        facts = {"study": "search", "directions": [direction], "algorithm": "Optuna TPESampler"}
        sign = -1.0 if direction == "minimize" else 1.0
        lower = {"lower_is_better": ["value"]} if direction == "minimize" else {}
        with TrainingMonitor(
            tmp_path,
            session_name=direction,
            configuration=facts | lower,
            settings=RecorderSettings(system_interval_s=None),
        ) as training:
            for number in range(30):
                training.log_episode(
                    number,
                    sign * (number - 12) ** 2,
                    1,
                    termination_reason="pruned" if number == 29 else "complete",
                    parameters={"rate": number / 100, "width": 8},
                    extra={"value": float((number - 12) ** 2)} if lower else None,
                )
            training.log_event("trial", "Trial 30 has no value", code="trial-fail", data={"trial": 30})
        return training.run

    return record


def section(document: Document, key: str) -> Section:
    return next(one for one in document.sections if one.key == key)


def facts_of(document: Document) -> dict[str, tuple[str, str]]:
    return {name: (value, note) for name, value, note in document.key_facts}


def test_the_key_facts_are_the_best_value_and_the_trials(recorded: Recorded) -> None:
    facts = facts_of(run_document(run_data(recorded("minimize"))))

    assert facts["best value"] == ("0", "trial 12, minimize")
    assert facts["trials"][0] == "31"
    assert facts["trials"][1].startswith("29 complete, 1 pruned, 1 fail, in ")
    assert not facts.keys() & {"reward", "episodes", "steps"}


def test_the_best_trial_has_its_parameters(recorded: Recorded) -> None:
    (block,) = section(run_document(run_data(recorded("maximize"))), "best").blocks

    assert isinstance(block, Facts)
    assert block.rows == (("Trial", "28"), ("Value", "256, highest"), ("rate", "0.28"), ("width", "8"))


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_values_are_listed_with_their_direction(recorded: Recorded, direction: str) -> None:
    """There is one row for the value, and none for the reward that repeats it."""
    blocks = section(run_document(run_data(recorded(direction))), "values").blocks
    (table,) = (block for block in blocks if isinstance(block, Table))

    assert [row[:2] for row in table.rows] == [("Value", "lower" if direction == "minimize" else "higher")]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_no_section_of_a_training_is_shown(recorded: Recorded, direction: str) -> None:
    document = run_document(run_data(recorded(direction)))

    assert document.kind == "Study report"
    assert not {one.key for one in document.sections} & {"reward", "success", "updates", "evaluations", "baselines"}
    assert "pisode" not in str(brief_of(document)._replace(foot=""))


def test_the_value_is_the_only_outcome_of_the_parameters() -> None:
    """A maximised value is recorded as the reward only; a minimised one in addition to it."""

    def outcomes(*names: str) -> list[str]:
        found = without_rewards({"findings": [{"outcome": name} for name in names]})
        return [one["outcome"] for one in found["findings"]]

    assert (outcomes("reward"), outcomes("reward", "seconds")) == (["value"], ["seconds"])
