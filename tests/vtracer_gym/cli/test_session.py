from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.records import Evaluation
from vtracer_gym.baselines import DEFAULTS_NAME
from vtracer_gym.cli.session import described, load_evaluations, record_evaluation, save_evaluations
from vtracer_gym.logo_outcomes import FIRST_TRY, TUNED, LogoEvaluation, Outcome, best_of
from vtracer_gym.pipeline import SETTING_BOUNDS
from vtracer_gym.samples import sample_logos


def outcome(reward: float, tries: int = 1, sharp: float = 0.7) -> Outcome:
    return Outcome(reward, 0.9, 0.01, 0.8, sharp, 0.2, 2.0, math.log(0.5), 500.0, tries)


def rows() -> list[LogoEvaluation]:
    return [
        LogoEvaluation(
            name,
            "simple",
            {
                FIRST_TRY: outcome(reward),
                best_of("agent", 4): outcome(reward + 1.0, tries=4),
                TUNED: outcome(0.0),
                DEFAULTS_NAME: outcome(-2.0),
                best_of("random", 40): outcome(0.5, tries=40),
            },
            np.zeros(40),
        )
        for name, reward in (("a", 0.5), ("b", -0.5), ("c", 0.25))
    ]


def recorded(folder: Path) -> list[Evaluation]:
    with TrainingMonitor(folder, settings=RecorderSettings(system_interval_s=None)) as monitor:
        record_evaluation(monitor, rows())
    return list(monitor.run.records("evaluations"))


def test_reference_and_start_come_first(tmp_path: Path) -> None:
    """VTracer's defaults are logged first, then the tuned start; the agent's first try is the policy in training."""
    assert [one.policy for one in recorded(tmp_path)] == [
        DEFAULTS_NAME,
        TUNED,
        None,
        best_of("agent", 4),
        best_of("random", 40),
    ]


def test_tries_are_recorded(tmp_path: Path) -> None:
    """Each evaluation says how many tries per logo it took."""
    assert [(one.extra or {})["attempts"] for one in recorded(tmp_path)] == [1, 1, 1, 4, 40]


def test_items_have_every_objective(tmp_path: Path) -> None:
    """Each logo has reward, both similarities, bytes, edge distance and colour error."""
    agent = next(one for one in recorded(tmp_path) if one.policy is None)

    assert agent.items is not None
    assert set(agent.items) == {"a", "b", "c"}
    assert agent.items["a"] == {
        "reward": 0.5,
        "quality": 0.9,
        "detail": 0.8,
        "svg_bytes": 500.0,
        "edge_distance": 0.2,
        "color_error": 2.0,
    }


def test_success_is_a_gain_over_the_first_drawing(tmp_path: Path) -> None:
    """The success rate is the share of logos with a positive reward."""
    assert [one.success_rate for one in recorded(tmp_path)] == [0.0, 0.0, 2 / 3, 1.0, 1.0]


def test_configuration_names_bounds_and_objectives() -> None:
    """The configuration of a run has the bounds of all settings, the direction of each objective, and versions."""
    logos = sample_logos(2, np.random.default_rng(0), 64)
    configuration = described("samples", [*logos, *logos], logos[:1], [64, 128])

    assert (configuration["trained_on"], configuration["unseen"], configuration["sizes"]) == (2, 1, [64, 128])
    assert configuration["parameter_bounds"] == {name: list(limits) for name, limits in SETTING_BOUNDS.items()}
    assert configuration["lower_is_better"] == ["svg_bytes", "edge_distance", "color_error", "paper_error"]
    assert configuration["higher_is_better"] == ["quality", "detail"]
    assert set(configuration["versions"]) == {"vtracer", "thorvg-python"}
    assert json.loads(json.dumps(configuration)) == configuration


def test_unknown_values_are_null_in_the_file(tmp_path: Path) -> None:
    """The file of results is valid JSON, in which an unknown sharpness is null."""
    path = tmp_path / "new" / "evaluation.json"
    evaluation = LogoEvaluation("a", "simple", {FIRST_TRY: outcome(1.0, sharp=math.nan)}, np.zeros(2))
    save_evaluations(path, {96: [evaluation]})
    (row,) = json.loads(path.read_text())

    assert (row["logo"], row["size"]) == ("a", 96)
    assert row["outcomes"][FIRST_TRY]["sharp"] is None
    assert row["outcomes"][FIRST_TRY]["reward"] == 1.0
    ((loaded,),) = load_evaluations(path).values()
    assert math.isnan(loaded.outcomes[FIRST_TRY].sharp)


def test_saved_results_can_be_loaded(tmp_path: Path) -> None:
    """All values of a file of results are those that were saved, by size."""
    path = tmp_path / "evaluation.json"
    save_evaluations(path, {64: rows(), 96: rows()[:1]})
    loaded = load_evaluations(path)

    assert {size: [one.outcomes for one in several] for size, several in loaded.items()} == {
        64: [one.outcomes for one in rows()],
        96: [one.outcomes for one in rows()[:1]],
    }
    assert [(one.logo, one.category, one.search_curve.tolist()) for one in loaded[64]] == [
        (one.logo, one.category, one.search_curve.tolist()) for one in rows()
    ]
