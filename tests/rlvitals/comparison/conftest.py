"""Runs for the tests of comparisons."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from rlvitals.records import Episode, codec_of
from rlvitals.runs import Run
from rlvitals.runs.header import Header
from rlvitals.runs.layout import FORMAT, FORMAT_VERSION, Layout

Seeds = Callable[..., list[Run]]
Trained = Callable[..., Run]


@pytest.fixture
def seeds(logs: Path) -> Seeds:
    """Train several seeds of one configuration. A run's rewards vary around its level, which varies around the group's.

    The returned function takes the name of the runs, their level, their number and additional configuration. `spread`
    is the standard deviation between runs, `until` the share of 40 episodes after which a run ends, and `failed`
    whether it ends with an error.
    """

    def train(
        name: str,
        level: float,
        count: int = 5,
        *,
        spread: float = 1.0,
        until: float = 1.0,
        first: int = 0,
        failed: bool = False,
        **configuration: Any,
    ) -> list[Run]:
        found = []
        for seed in range(first, first + count):
            generator = np.random.default_rng([seed, *name.encode()])
            own = level + spread * generator.normal()
            rewards = own + 0.5 * generator.normal(size=round(40 * until))
            path = logs / f"{name}-{seed}"
            _write(path, rewards, {"seed": seed, "env_id": "Logos-v0", **configuration}, failed=failed)
            found.append(Run(path))
        return found

    return train


@pytest.fixture
def trained(logs: Path) -> Trained:
    """Write a run with the given rewards, one per episode.

    The returned function takes the name of the run, its rewards and its configuration. `began` is the start by the
    clock. With 0, times count from the start of the run.
    """

    def write(name: str, rewards: Sequence[float], *, began: float = 0.0, **configuration: Any) -> Run:
        _write(logs / name, np.asarray(rewards), {"env_id": "Logos-v0", **configuration}, failed=False, began=began)
        return Run(logs / name)

    return write


def _write(path: Path, rewards: Any, configuration: dict[str, Any], *, failed: bool, began: float = 0.0) -> None:
    """Write a run folder by hand, because the processes and threads of a recorder would be slow."""
    layout, pack = Layout(path), codec_of(Episode).pack
    layout.make()
    header = Header(
        format=FORMAT,
        version=FORMAT_VERSION,
        run_id=path.name,
        status="failed" if failed else "completed",
        started=began or len(list(path.parent.iterdir())),  # in the order of creation
        configuration=configuration,
    )
    layout.header.write_bytes(msgspec.json.encode(header))
    lines = [
        pack({"episode": at, "time": began + at, "reward": reward, "length": 100, "env_step": 100 * (at + 1)})[1]
        for at, reward in enumerate(rewards.tolist())
    ]
    (layout.stream("episodes") / "000001.jsonl").write_bytes(b"".join(lines))
