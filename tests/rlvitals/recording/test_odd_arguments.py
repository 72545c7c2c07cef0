"""Arguments that are not a dict or a number raise a RecordError with the place, the value and the remedy."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals import OptimizationLogger, RecorderSettings, TrainingMonitor
from rlvitals.errors import RecordError


class Stubborn:
    """An object whose special methods raise."""

    def __bool__(self) -> bool:
        raise RuntimeError("no truth value")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no items")

    def __eq__(self, _: object) -> bool:
        raise RuntimeError("no equality")

    __hash__ = None  # type: ignore[assignment]


class Broken(Mapping[str, Any]):
    """A mapping that cannot be read."""

    def __getitem__(self, _: str) -> Any:
        raise RuntimeError("gone")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class BrokenKeys(dict[str, Any]):
    """A dict whose keys cannot be listed."""

    def keys(self) -> Any:
        raise RuntimeError("gone")


NO_DICTS = [
    torch.ones(2),
    torch.ones(1),
    torch.tensor(1.0),
    torch.ones(0),
    torch.ones(2, requires_grad=True),
    np.ones(2),
    np.array(1.0),
    np.array([]),
    np.array([{}, None], dtype=object),
    [1.0],
    [],
    "text",
    3,
    Stubborn(),
    Broken(),
]

Call = Callable[[TrainingMonitor, Any], Any]

DICTS: dict[str, Call] = {
    **{
        f"episode {name}": lambda monitor, given, name=name: monitor.log_episode(0, 1.0, 2, **{name: given})  # type: ignore[misc]
        for name in (
            "algorithm_metrics",
            "performance_metrics",
            "additional_info",
            "reward_parts",
            "parameters",
            "info",
            "extra",
        )
    },
    "episode info beside additional_info": lambda monitor, given: monitor.log_episode(
        0, 1.0, 2, additional_info={"a": 1}, info=given
    ),
    "episode extra beside others": lambda monitor, given: monitor.log_episode(0, 1.0, 2, extra=given, mine=1),
    "step extra": lambda monitor, given: monitor.log_training_step(1, extra=given),
    "step extra beside others": lambda monitor, given: monitor.log_training_step(1, extra=given, mine=1),
    "evaluation items": lambda monitor, given: monitor.log_evaluation(1, 1.0, items=given),
    "evaluation categories": lambda monitor, given: monitor.log_evaluation(1, 1.0, categories=given),
    "evaluation extra": lambda monitor, given: monitor.log_evaluation(1, 1.0, extra=given, mine=1),
    "metrics": lambda monitor, given: monitor.log_metrics("mine", given),
    "event data": lambda monitor, given: monitor.log_event("mine", "text", data=given),
    "image metrics": lambda monitor, given: monitor.log_image("mine", np.zeros((4, 4)), metrics=given),
    "configuration": lambda monitor, given: monitor.update_configuration(given),
}


@pytest.fixture
def monitor(tmp_path: Any) -> Iterator[TrainingMonitor]:
    with TrainingMonitor(tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None)) as made:
        yield made


@pytest.mark.parametrize("call", DICTS.values(), ids=DICTS.keys())
def test_a_value_that_is_not_a_dict_is_rejected(monitor: TrainingMonitor, call: Call) -> None:
    """Tensors, arrays, lists, texts and broken objects are rejected with their type name, and nothing is recorded."""
    for given in NO_DICTS:
        with pytest.raises(RecordError, match=re.escape(type(given).__name__)):
            call(monitor, given)

    streams = ("episodes", "updates", "evaluations", "scalars")
    assert [record for stream in streams for record in monitor.run.records(stream)] == []


@pytest.mark.parametrize("call", DICTS.values(), ids=DICTS.keys())
def test_the_message_has_three_parts(monitor: TrainingMonitor, call: Call) -> None:
    """The message has the place, the value and the remedy."""
    with pytest.raises(RecordError, match=r"^.+: .+ must be a dict, got tensor\(\[1., 1.\]\) \(Tensor\); pass names"):
        call(monitor, torch.ones(2))


def test_a_dict_whose_keys_method_raises_is_accepted(monitor: TrainingMonitor) -> None:
    """Its entries are stored."""
    assert monitor.log_episode(0, 1.0, 2, algorithm_metrics=BrokenKeys(a=1.0)).algorithm == {"a": 1.0}


@pytest.mark.parametrize("call", DICTS.values(), ids=DICTS.keys())
def test_an_empty_dict_is_accepted(monitor: TrainingMonitor, call: Call) -> None:
    """An empty dict counts as missing."""
    call(monitor, {})


@pytest.mark.parametrize("given", NO_DICTS, ids=lambda given: type(given).__name__)
def test_qualities_that_cannot_be_subtracted_are_rejected(monitor: TrainingMonitor, given: Any) -> None:
    """The error names the quality, and not the failed subtraction."""
    if getattr(given, "shape", None) in {(), (1,)} or isinstance(given, int):
        return  # a single number is valid
    with pytest.raises(RecordError, match="quality"):
        monitor.log_episode(0, 1.0, 2, quality_initial=given, quality_final=given)


@pytest.mark.parametrize("given", [np.array(1.0), torch.tensor(1.0), Stubborn(), 3, "word"])
def test_tags_that_are_not_a_list_of_text_are_rejected(tmp_path: Any, given: Any) -> None:
    """They are rejected before the run is created."""
    with pytest.raises(RecordError, match=r"tags=.*must be a list of strings"):
        TrainingMonitor(tmp_path, tags=given)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["features", "params", "quality_metrics", "metadata"])
def test_unreadable_results_of_an_optimisation_are_rejected(monitor: TrainingMonitor, name: str) -> None:
    """A result that cannot be read raises a RecordError."""
    given: dict[str, Any] = dict.fromkeys(("features", "params", "quality_metrics", "metadata"))
    with pytest.raises(RecordError, match="cannot be read"):
        OptimizationLogger(monitor).log_optimization("logo.png", **{**given, name: Broken()})
