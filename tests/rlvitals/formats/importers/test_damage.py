"""Damaged files: an import reads the intact part, or raises an error of rlvitals."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.importer_registry import make_importer


def _evaluations() -> bytes:
    content = io.BytesIO()
    np.savez(content, timesteps=[1, 2], results=[[1.0, 2.0], [3.0, 4.0]], ep_lengths=[[1, 2], [3, 4]])
    return content.getvalue()


def _result(iteration: int) -> str:
    return json.dumps(
        {
            "training_iteration": iteration,
            "timesteps_total": 10 * iteration,
            "timestamp": iteration,
            "episodes_this_iter": 1,
            "hist_stats": {"episode_reward": [1.0, 2.0], "episode_lengths": [3, 4]},
            "learners": {"default_policy": {"policy_loss": 0.1}},
        }
    )


_ROWS = b"".join(b"%d.5,9,%d.25,True\n" % (number, number) for number in range(9))
INTACT: dict[str, tuple[str, bytes]] = {
    "0.monitor.csv": (
        "sb3",
        b'#{"t_start": 1000.0, "env_id": "X"}\nr,l,t,is_success\n' + _ROWS,
    ),
    "evaluations.npz": ("sb3", _evaluations()),
    "progress.csv": (
        "progress",
        b"eprewmean,misc/total_timesteps,misc/time_elapsed\n" + b"".join(b"0.5,%d,%d\n" % (n, n) for n in range(9)),
    ),
    "result.json": ("rllib", "".join(f"{_result(iteration)}\n" for iteration in range(1, 5)).encode()),
    "trainer_state.json": (
        "trainer_state",
        json.dumps({"global_step": 2, "log_history": [{"step": 1, "loss": 0.5}, {"step": 2, "reward": 1.0}]}).encode(),
    ),
}  # fmt: skip
"""A small file of each supported foreign format."""


@pytest.mark.filterwarnings("ignore")  # NumPy warns about modified arrays
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    name=st.sampled_from(sorted(INTACT)),
    begins=st.integers(0, 2_000),
    ends=st.integers(0, 50),
    instead=st.one_of(
        st.binary(max_size=20), st.sampled_from([b"\0" * 30, b'"', b",,", b"\r\r\n", b"nan", b"1e400", b"{"])
    ),
    is_cut=st.booleans(),
)
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, name: str, begins: int, ends: int, instead: bytes, is_cut: bool
) -> None:
    format_name, intact = INTACT[name]
    place = begins % len(intact)
    path = tmp_path / name
    path.write_bytes(intact[:place] + instead + (b"" if is_cut else intact[place + ends :]))
    try:
        list(make_importer(format_name).read(path).records)
    except ImportFormatError as error:
        assert name in str(error)  # noqa: PT017 - an error is optional


@pytest.mark.parametrize("name", ["0.monitor.csv", "progress.csv", "result.json"])
def test_a_file_truncated_in_its_second_half_is_read(tmp_path: Path, name: str) -> None:
    """Records before the truncation are imported, wherever a crash interrupted the file."""
    format_name, intact = INTACT[name]
    path = tmp_path / name
    for place in range(len(intact) // 2, len(intact), 3):
        path.write_bytes(intact[:place])
        assert list(make_importer(format_name).read(path).records)
