"""Settings of imported runs that their files do not record are unknown, and never equal."""

import json
from pathlib import Path

import pytest

from rlvitals.comparison import compare
from rlvitals.comparison.explanations import first_divergence
from rlvitals.formats.importers import import_runs
from rlvitals.runs import Run
from rlvitals.sinks.tensorboard_sink import EventFile

CLEANRL = "CartPole-v1__ppo__{}__1700000000"


def imported(folder: Path, names: list[str], **settings: float) -> list[Run]:
    """Import event files with a curve of the mean reward and one update."""
    for level, name in enumerate(names):
        events = EventFile(folder / "tb" / name, 1000.0)
        for step in range(64, 64 * 40, 64):
            reward = {"rollout/ep_rew_mean": float(level + step % 7)}
            events.scalars(1000.0 + step, step, reward | {"train/value_loss": 1.0 / (level + step)})
        events.close()
        if settings:
            (folder / "tb" / name / "config.json").write_text(json.dumps(settings))
    return [done.run for done in import_runs(folder / "tb", folder / "logs")]


@pytest.mark.parametrize("names", [["a", "b"], ["PPO_1", "PPO_2"], [CLEANRL.format(1), CLEANRL.format(2)]])
def test_runs_without_settings_are_not_compared(tmp_path: Path, names: list[str]) -> None:
    """An algorithm, an environment or a seed in the name of a folder does not tell the other settings."""
    found = compare(*imported(tmp_path, names))

    assert ([group.name for group in found.groups], found.comparisons) == (["settings unknown"], [])
    assert found.limits[0].startswith("The settings of these 2 runs are unknown")
    assert "same" not in " ".join([*found.limits, *found.notes])


def test_equal_seeds_are_not_equal_settings(tmp_path: Path) -> None:
    """Two folders can have the same seed in their names and other settings."""
    names = [f"{name}/{CLEANRL.format(1)}" for name in ("old", "new")]
    found = compare(*imported(tmp_path, names))

    assert "same seed and settings" not in " ".join([*found.limits, *found.notes])


def test_named_groups_without_settings_have_no_cause(tmp_path: Path) -> None:
    old, new = imported(tmp_path, ["PPO_1", "PPO_2"])
    found = compare(f"old={old.path}", f"new={new.path}")

    assert "The settings of 2 runs are unknown, so no cause can be named" in " ".join(found.limits)
    assert "do not differ" not in " ".join(found.limits)


def test_a_divergence_has_no_known_cause(tmp_path: Path) -> None:
    found = first_divergence(*imported(tmp_path, ["PPO_1", "PPO_2"]))

    assert found.sentences[1] == (
        "The settings of both are unknown, so whether their configurations differ is unknown too."
    )


def test_equal_settings_are_equal_as_far_as_the_files_record_them(tmp_path: Path) -> None:
    """A file can lack settings, so the runs are not said to be seeds of one experiment."""
    (said, *_) = compare(*imported(tmp_path, ["PPO_1", "PPO_2"], learning_rate=0.5)).limits

    assert said.startswith("As far as the imported files record them, the settings of these 2 runs are the same")
    assert "Settings that the files do not record can differ" in said
