"""The logging methods, tested without a monitor."""

import ast
import inspect
from collections.abc import Mapping
from typing import Any, TypeVar

import pytest

from rlvitals.monitor.event_methods import EventMethods
from rlvitals.monitor.images import EncodedImage
from rlvitals.monitor.log_methods import LogMethods
from rlvitals.reader import RunResults
from rlvitals.records import Episode, Event, Record
from rlvitals.records.codec import codec_of

R = TypeVar("R", bound=Record)


class Calls(LogMethods):
    """Implementation of the abstract members that stores the records in memory."""

    env_step = 40

    def __init__(self) -> None:
        self.kept: list[Record] = []
        self.checked: list[tuple[str, type[Record], Mapping[str, str] | None]] = []

    def _record(self, kind: type[R], values: dict[str, Any]) -> R:
        record: R = codec_of(kind).pack({**values, "time": 1.0 if values["time"] is None else values["time"]})[0]
        self.kept.append(record)
        return record

    def _mask(self, text: str) -> str:
        return text.replace("secret", "***")

    def _write_image(self, name: str, image: EncodedImage) -> str | None:
        if name == "full":
            raise OSError(28, "no space")
        return f"images/{name}.{image.suffix}"

    def _check_names(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> None:
        self.checked += [(name, kind, refused) for name in own]


def test_the_methods_use_only_their_abstract_members() -> None:
    """Each call stores one record and returns it. The default step is the highest environment step."""
    calls = Calls()
    made: list[Record] = [
        calls.log_episode(3, 1.5, 7, quality_final=0.9, quality_initial=0.8, aprox_kl=0.1),
        calls.log_training_step(5, approx_kl=0.2),
        calls.log_evaluation(3, 2.0, std_reward=0.5),
        calls.log_metrics("mine", {"coverage": 0.4}),
        calls.log_note("the secret"),
    ]

    assert calls.kept == made
    assert calls.checked == [("aprox_kl", Episode, None)]
    fields = ("quality_improvement", "kl_divergence", "reward_std", "step", "message")
    assert [getattr(record, name) for record, name in zip(made, fields, strict=True)] == [
        pytest.approx(0.1),
        0.2,
        0.5,
        40,
        "the ***",
    ]


IMAGES = [("trace", {"file": "images/trace.svg"}), ("full", {"trouble": "no space"})]


@pytest.mark.parametrize(("name", "found"), IMAGES)
def test_every_image_has_an_event(name: str, found: dict[str, Any]) -> None:
    """The event has the path of the file, or the reason why it could not be written."""
    event = Calls().log_image(name, "<svg/>", group="logo", step=3)

    assert event == Event(
        time=1.0,
        kind="image",
        message=f"logo: {name}",
        severity="info" if "file" in found else "warning",
        env_step=3,
        data={"name": name, "bytes": 6, "group": "logo", **found},
    )


@pytest.mark.parametrize("base", [EventMethods, LogMethods, RunResults])
def test_a_base_class_of_the_monitor_has_no_state(base: type) -> None:
    """It has no constructor and sets no attribute."""
    tree = ast.parse(inspect.getsource(base))
    stored = [
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]

    assert stored == []
    assert "__init__" not in vars(base)
