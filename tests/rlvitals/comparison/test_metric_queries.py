"""Tests of the SQL queries for blocks of many runs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlvitals import TrainingMonitor
from rlvitals.comparison.metric_queries import answers_of, extents, labels, measured
from rlvitals.comparison.metric_source import source_of
from rlvitals.errors import ComparisonError
from rlvitals.runs import Run
from rlvitals.stats.groups.aligned_curves import block_means

Seeds = Callable[..., list[Run]]
Monitor = Callable[..., TrainingMonitor]


def test_blocks_agree_with_block_means(seeds: Seeds) -> None:
    """The SQL query and `block_means` agree, also on values at the edges."""
    runs = [*seeds("a", 0.0, 2), *seeds("b", 1.0, 1, until=0.6)]
    found = measured(runs, labels(runs), source_of("reward"), "env_step", [4000.0] * 3, 8)
    curves = [(run.episodes.numbers("env_step"), run.episodes.numbers("reward")) for run in runs]
    expected = block_means(curves, np.linspace(0, 4000, 9))

    assert np.allclose(found.means, expected.values, equal_nan=True)
    assert np.allclose(found.places, expected.places)
    assert found.counts.sum() == 40 + 40 + 24


def test_every_axis_of_a_stream_can_be_used(seeds: Seeds, monitor: Monitor) -> None:
    """Every axis of a stream can be used, and an unknown axis is refused with the available ones."""
    runs = seeds("a", 0.0, 1)
    with monitor("u") as training:
        for step in range(5):
            training.log_training_step(10 * step, 0.1, 0.2, 0.3)
    updates = [Run(training.path)]
    source, entropy = source_of("reward"), source_of("updates.entropy")

    assert extents(runs, ["a-0"], source, "episode")["a-0"].reached == 39
    assert extents(runs, ["a-0"], source, "time")["a-0"].reached >= 0
    assert extents(updates, ["u"], entropy, "update")["u"].reached == 5
    assert extents(updates, ["u"], entropy, "env_step")["u"].reached == 40
    with pytest.raises(ComparisonError, match="have the axes env_step, time, episode"):
        extents(runs, ["a-0"], source, "update")


def test_a_key_of_a_dict_is_a_metric(monitor: Monitor) -> None:
    """A key of a dict field can be a metric."""
    with monitor("x") as training:
        for episode in range(3):
            training.log_episode(episode, 1.0, 1, reward_parts={"size": 2.0 * episode}, env_step=episode)
    found = extents([Run(training.path)], ["x"], source_of("reward_parts.size"), "episode")

    assert found["x"].values == 3


@pytest.mark.parametrize("expression", ["lr * 10", "lr * 10 -- a comment", "(lr, 1)[1] * 10"])
def test_an_expression_over_settings_is_computed(expression: str) -> None:
    """An SQL expression over settings is evaluated for each run."""
    assert answers_of([{"lr": 1.0}, {"lr": 2.0}], expression) == [10.0, 20.0]


@pytest.mark.parametrize(
    "expression",
    [
        "(select content from read_text('{file}'))",
        "(select count(*) from 'http://127.0.0.1:9/x.csv')",
        "1 where exists (from enable_logging())",
        "1), (2",
        "1) from runs; copy runs to '{file}'; select (1",
        "1; select 2",
        "",
    ],
)
def test_an_expression_reads_no_file_and_runs_no_statement(tmp_path: Path, expression: str) -> None:
    """An expression cannot read files or run statements."""
    file = tmp_path / "secret.txt"
    file.write_text("open sesame")

    with pytest.raises(ComparisonError, match="cannot group these runs") as caught:
        answers_of([{"lr": 1.0}], expression.format(file=file))
    assert "open sesame" not in str(caught.value)
    assert file.read_text() == "open sesame"
