"""Groups of runs held against each other, asked over a socket."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rlvitals import TrainingMonitor
from rlvitals.dashboard.groups import desired
from rlvitals.dashboard.shelf import Shelf
from rlvitals.errors import ComparisonError, RunNotFoundError

Monitor = Callable[..., TrainingMonitor]
GROUPS = "/api/v1/compare/groups"


@pytest.fixture
def study(monitor: Monitor, logs: Path) -> Path:
    """Four seeds of two configurations; the second is better by ten."""
    for rate, better in ((0.1, 0.0), (0.2, 10.0)):
        for seed in range(4):
            configuration = {"rate": rate, "seed": seed, "environment_id": "Toy-v0"}
            with monitor(f"rate-{rate}-{seed}", configuration=configuration) as training:
                for number in range(40):
                    training.log_episode(number, better + seed + number / 40, 5, env_step=5 * (number + 1))
                    training.log_training_step(5 * number, 0.1, better, 1.0, env_step=5 * number)
    return logs


def test_chosen_runs_are_groups_by_their_settings(study: Path, ask: httpx.Client) -> None:
    """All but the seed makes a group; the verdict is in words, and each run is named by its key."""
    keys = [f"rate-{rate}-{seed}" for rate in (0.1, 0.2) for seed in range(4)]
    found = ask.get(GROUPS, params=[("run", key) for key in keys]).json()

    assert [(group["name"], group["counted"]) for group in found["groups"]] == [("rate=0.1", 4), ("rate=0.2", 4)]
    assert found["comparisons"][0]["verdict"] == "better"
    assert "rate=0.2 is better than rate=0.1" in found["comparisons"][0]["sentences"][0]
    assert [run["path"] for run in found["runs"]] == keys
    assert str(study) not in str(found)


def test_patterns_are_groups_of_their_own(study: Path, ask: httpx.Client) -> None:
    """With a name or without; another baseline turns the difference round."""
    assert study.exists()
    patterns = ["slow=rate-0.1-*", "rate-0.2-*"]
    found = ask.get(GROUPS, params={"group": patterns}).json()
    turned = ask.get(GROUPS, params={"group": patterns, "baseline": "rate-0.2"}).json()

    assert [group["name"] for group in found["groups"]] == ["slow", "rate-0.2"]
    assert found["comparisons"][0]["difference"]["estimate"] == pytest.approx(10.0)
    assert turned["comparisons"][0]["difference"]["estimate"] == pytest.approx(-10.0)


def test_a_setting_makes_the_groups_and_no_expression_does(study: Path, ask: httpx.Client) -> None:
    """`by` is a name that the runs know; a question in SQL is refused."""
    assert study.exists()
    by_seed = ask.get(GROUPS, params={"group": "rate-*", "by": "rate"}).json()
    each = ask.get(GROUPS, params={"group": "rate-*", "by": "run"}).json()
    refused = ask.get(GROUPS, params={"group": "rate-*", "by": "(select count(*) from range(1000000000000))"})

    assert [group["name"] for group in by_seed["groups"]] == ["0.1", "0.2"]
    assert len(each["groups"]) == 8
    assert refused.status_code == 409
    assert "rate" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 409),
        ("group=nothing-*", 409),
        ("run=nothing", 404),
        ("group=rate-*&metric=nonsense", 404),
        ("group=rate-*&margin=-1", 422),
        ("group=rate-*&axis=week", 422),
        ("group=rate-*&by=rate&baseline=7", 409),
    ],
)
def test_what_cannot_be_compared_is_refused(study: Path, ask: httpx.Client, query: str, status: int) -> None:
    """Each with a reason."""
    assert study.exists()
    answer = ask.get(f"{GROUPS}?{query}")

    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


def test_an_answer_is_made_again_when_a_run_has_gained_something(monitor: Monitor, ask: httpx.Client) -> None:
    """What is kept is of the runs as they were."""
    for name in ("one", "two"):
        with monitor(name, configuration={"seed": name}) as training:
            training.log_episode(0, 1.0, 5, env_step=5)
    before = ask.get(GROUPS, params={"group": "*"}).json()
    with monitor("one", resume="must") as training:
        training.log_episode(1, 3.0, 5, env_step=10)
    after = ask.get(GROUPS, params={"group": "*"}).json()

    assert [run["values"] for run in before["runs"]] == [1, 1]
    assert [run["values"] for run in after["runs"]] == [2, 1]


def test_two_runs_part_and_one_has_its_place(study: Path, ask: httpx.Client) -> None:
    """Where they differ, in words; and a rank among the runs that began before."""
    assert study.exists()
    parts = ask.get("/api/v1/compare/parting", params=[("run", "rate-0.1-0"), ("run", "rate-0.2-0")]).json()
    place = ask.get("/api/v1/run/place", params={"run": "rate-0.2-3"}).json()

    assert (parts["kind"], parts["update"], parts["differences"]["rate"]) == ("not shown", None, [0.1, 0.2])
    assert (place["earlier"], place["below"], place["task"]) == (7, 7, "Toy-v0")


def test_too_many_runs_are_refused_before_they_are_read(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a key that leads out of the folder names no run."""
    monkeypatch.setattr("rlvitals.dashboard.groups.MOST_COMPARED", 7)
    with pytest.raises(ComparisonError, match="8 runs are more than the 7"):
        desired(Shelf(study), [], ["*"])
    with pytest.raises(RunNotFoundError):
        desired(Shelf(study), ["../logs/rate-0.1-0"], [])
