"""Rows of an experiment tracker become records."""

import math

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.records import Episode, PolicyUpdate, Record, Scalars


def converted(*rows: HistoryRow) -> tuple[list[Record], list[str]]:
    warnings = ImportWarnings()
    records = list(history_records(rows, warnings, "tracker.db"))
    return records, [event.message for event in warnings.events(0.0)]


def test_logged_environment_steps_take_precedence_over_calls() -> None:
    """The step of the tracker stays the step, and nested names are joined."""
    values = {
        "global_step": 64,
        "train": {"approx_kl": 0.5},
        "charts/episodic_return": 9.0,
        "charts/episodic_length": 3,
    }

    assert converted(HistoryRow(2, 5.0, values)) == (
        [
            Scalars(time=5.0, step=2, env_step=64, category="scalars", values={"global_step": 64}),
            PolicyUpdate(time=5.0, step=2, env_step=64, kl_divergence=0.5),
            Episode(time=5.0, episode=0, env_step=64, reward=9.0, length=3),
        ],
        [],
    )


def test_names_without_a_group_are_fields_of_an_update() -> None:
    """W&B, trackio and MLflow have the names of the live calls."""
    records, _ = converted(HistoryRow(2, 5.0, {"approx_kl": 0.5, "value_loss": 2.0, "loss": 1.0}, env_step=64))

    assert records == [
        PolicyUpdate(time=5.0, step=2, env_step=64, kl_divergence=0.5, value_loss=2.0),
        Scalars(time=5.0, step=2, env_step=64, category="scalars", values={"loss": 1.0}),
    ]


def test_without_environment_steps_they_are_unknown() -> None:
    """They are not the steps of the tracker, and a warning says so."""
    (record,), (warning,) = converted(HistoryRow(7, 5.0, {"a/b": 1.0}))

    assert record == Scalars(time=5.0, step=7, env_step=None, category="a", values={"b": 1.0})
    assert warning.startswith("tracker.db has no environment steps")


def test_a_row_without_any_step_is_refused() -> None:
    with pytest.raises(ImportFormatError, match=r"tracker\.db: no step was logged with loss"):
        converted(HistoryRow(None, 5.0, {"loss": 1.0}))


def test_texts_for_non_finite_numbers_are_numbers() -> None:
    (record,), _ = converted(HistoryRow(0, 5.0, {"a/b": "NaN", "a/c": "-Infinity", "env_step": None}))

    assert isinstance(record, Scalars)
    assert (math.isnan(float(record.values["b"])), record.values["c"]) == (True, -math.inf)


def test_other_values_are_named_in_a_warning() -> None:
    """Short texts are kept. Media, histograms and lists are left out."""
    values = {"a/note": "warm-up", "hist": {"_type": "histogram", "bins": [1]}, "list": [1, 2], "long": "x" * 2_000}
    (record,), warnings = converted(HistoryRow(0, 5.0, values, env_step=1))

    assert record == Scalars(time=5.0, step=0, env_step=1, category="a", values={"note": "warm-up"})
    assert warnings == [
        "tracker.db: not imported because these are not single numbers or short texts: hist, list and long."
    ]


def test_a_negative_step_is_refused() -> None:
    with pytest.raises(ImportFormatError, match=r"tracker\.db, up to step -4: .*step must be a whole number"):
        converted(HistoryRow(-4, 5.0, {"charts/episodic_return": 1.0}))
