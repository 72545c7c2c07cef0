"""Tests of group comparisons over HTTP."""

import http.client
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.dashboard.group_comparison import AnswerCache, select_groups
from rlvitals.dashboard.run_registry import RunRegistry
from rlvitals.errors import ComparisonError, RunNotFoundError

Monitor = Callable[..., TrainingMonitor]
GROUPS = "/api/v1/compare/groups"


@pytest.fixture
def study(monitor: Monitor, logs: Path) -> Path:
    """Four seeds of two configurations, of which the second is better by ten."""
    for rate, better in ((0.1, 0.0), (0.2, 10.0)):
        for seed in range(4):
            configuration = {"rate": rate, "seed": seed, "environment_id": "Toy-v0"}
            with monitor(f"rate-{rate}-{seed}", configuration=configuration) as training:
                for number in range(40):
                    training.log_episode(number, better + seed + number / 40, 5, env_step=5 * (number + 1))
                    training.log_training_step(5 * number, 0.1, better, 1.0, env_step=5 * number)
    return logs


def test_selected_runs_are_grouped_by_their_settings(study: Path, ask: httpx.Client) -> None:
    """All settings except the seed form a group, and each run is identified by its key."""
    keys = [f"rate-{rate}-{seed}" for rate in (0.1, 0.2) for seed in range(4)]
    found = ask.get(GROUPS, params=[("run", key) for key in keys]).json()

    assert [(group["name"], group["counted"]) for group in found["groups"]] == [("rate=0.1", 4), ("rate=0.2", 4)]
    assert found["comparisons"][0]["verdict"] == "better"
    assert "rate=0.2 is better than rate=0.1" in found["comparisons"][0]["sentences"][0]
    assert [run["path"] for run in found["runs"]] == keys
    assert str(study) not in str(found)


def test_each_pattern_is_a_group(study: Path, ask: httpx.Client) -> None:
    """A pattern can have a name, and another baseline reverses the difference."""
    assert study.exists()
    patterns = ["slow=rate-0.1-*", "rate-0.2-*"]
    found = ask.get(GROUPS, params={"group": patterns}).json()
    turned = ask.get(GROUPS, params={"group": patterns, "baseline": "rate-0.2"}).json()

    assert [group["name"] for group in found["groups"]] == ["slow", "rate-0.2"]
    assert found["comparisons"][0]["difference"]["estimate"] == pytest.approx(10.0)
    assert turned["comparisons"][0]["difference"]["estimate"] == pytest.approx(-10.0)


def test_runs_can_be_grouped_by_a_setting_but_not_by_an_expression(study: Path, ask: httpx.Client) -> None:
    """`by` is the name of a setting, and SQL is refused."""
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
def test_invalid_comparisons_are_refused(study: Path, ask: httpx.Client, query: str, status: int) -> None:
    """Each error has a reason."""
    assert study.exists()
    answer = ask.get(f"{GROUPS}?{query}")

    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)


def test_a_comparison_is_recomputed_after_a_run_gained_records(monitor: Monitor, ask: httpx.Client) -> None:
    """A cached result is valid only for the records it is based on."""
    for name in ("one", "two"):
        with monitor(name, configuration={"seed": name}) as training:
            training.log_episode(0, 1.0, 5, env_step=5)
    before = ask.get(GROUPS, params={"group": "*"}).json()
    with monitor("one", resume="must") as training:
        training.log_episode(1, 3.0, 5, env_step=10)
    after = ask.get(GROUPS, params={"group": "*"}).json()

    assert [run["values"] for run in before["runs"]] == [1, 1]
    assert [run["values"] for run in after["runs"]] == [2, 1]


def test_divergence_and_rank_are_available(study: Path, ask: httpx.Client) -> None:
    """The API reports where two runs diverge and how a run ranks among earlier runs."""
    assert study.exists()
    parts = ask.get("/api/v1/compare/divergence", params=[("run", "rate-0.1-0"), ("run", "rate-0.2-0")]).json()
    place = ask.get("/api/v1/run/place", params={"run": "rate-0.2-3"}).json()

    assert (parts["kind"], parts["update"], parts["differences"]["rate"]) == ("not shown", None, [0.1, 0.2])
    assert (place["earlier"], place["below"], place["task"]) == (7, 7, "Toy-v0")


def test_too_many_runs_are_refused_before_they_are_read(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that leads out of the folder is refused too."""
    monkeypatch.setattr("rlvitals.dashboard.group_comparison.MOST_COMPARED", 7)
    with pytest.raises(ComparisonError, match="8 runs are selected, but a page compares at most 7"):
        select_groups(RunRegistry(study), [], ["*"])
    with pytest.raises(RunNotFoundError):
        select_groups(RunRegistry(study), ["../logs/rate-0.1-0"], [])


@pytest.mark.parametrize(
    ("patterns", "groups"),
    [
        (["rate-0.1-*", "rate-0.1_*"], {"rate-0.1-*": 4, "rate-0.1_*": 1}),
        (["name=with=rate-0.2-*"], {"name=with": 4}),
        (["[odd]=1", "rate-0.2-*"], {"[odd]=1": 1, "rate-0.2": 4}),
        (["rate-0.2-*", "rate-0.2-*"], {}),
    ],
)
def test_groups_of_patterns_have_distinct_names(study: Path, patterns: list[str], groups: dict[str, int]) -> None:
    """Keys can contain `=` and brackets, and a repeated pattern counts once."""
    (study / "rate-0.1-3").rename(study / "rate-0.1_3")
    (study / "rate-0.1-2").rename(study / "[odd]=1")
    if "rate-0.1-*" in patterns:
        groups = groups | {"rate-0.1-*": 2}
    found = select_groups(RunRegistry(study), [], patterns).groups

    assert {name: list(found.values()).count(name) for name in found.values()} == groups


def test_a_pattern_next_to_selected_runs_is_a_group(study: Path) -> None:
    """A pattern whose runs are all in earlier groups is refused."""
    registry = RunRegistry(study)
    beside = select_groups(registry, ["rate-0.1-0"], ["rate-0.2-*"])

    assert next(iter(beside.runs)) == "rate-0.1-0"
    assert set(beside.groups.values()) == {"rate-0.2"}
    with pytest.raises(ComparisonError, match=r"'rate-0.1-\*' is in the group of an earlier pattern"):
        select_groups(registry, [], ["*", "rate-0.1-*"])


def test_runs_that_cannot_be_opened_are_reported(study: Path, ask: httpx.Client) -> None:
    """The remaining runs are compared; without any, the reason is returned."""
    (study / "rate-0.1-1" / "run.json").write_text("{")
    by_pattern = ask.get(GROUPS, params={"group": "rate-*"}).json()
    by_key = ask.get(GROUPS, params=[("run", "rate-0.1-0"), ("run", "rate-0.1-1")]).json()
    alone = ask.get(GROUPS, params={"run": "rate-0.1-1"})
    parts = ask.get("/api/v1/compare/divergence", params=[("run", "rate-0.1-1"), ("run", "rate-0.2-0")])

    assert (
        [one["path"] for one in by_pattern["refused"]] == [one["path"] for one in by_key["refused"]] == ["rate-0.1-1"]
    )
    assert (len(by_pattern["runs"]), len(by_key["runs"])) == (7, 1)
    assert (alone.status_code, parts.status_code) == (409, 409)
    assert "damaged" in alone.json()["detail"]
    assert "damaged" in parts.json()["detail"]


def test_every_pair_of_many_groups_is_refused(study: Path, ask: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a million tests would keep the server busy for an hour."""
    assert study.exists()
    monkeypatch.setattr("rlvitals.dashboard.group_comparison.MOST_IN_PAIRS", 7)
    few = ask.get(GROUPS, params={"group": "rate-*", "by": "rate", "every_pair": True})
    many = ask.get(GROUPS, params={"group": "rate-*", "by": "run", "every_pair": True})

    assert (few.status_code, many.status_code) == (200, 409)
    assert "there are 8 groups, but a page compares every pair of at most 7" in many.json()["detail"]


def test_the_keys_of_a_thousand_runs_fit_into_one_address(ask: httpx.Client) -> None:
    """The server accepts long names."""
    server = http.client.HTTPConnection(ask.base_url.host, ask.base_url.port or 80, timeout=30)
    server.request("GET", GROUPS + "?" + "&".join(f"run={'k' * 200}{number}" for number in range(1_000)))

    assert server.getresponse().status == 404
    server.close()


def test_growth_between_heartbeats_changes_the_fingerprint(monitor: Monitor, logs: Path) -> None:
    """The end of a run changes it too."""
    with monitor("one", settings=RecorderSettings(heartbeat_s=3600.0, system_interval_s=None)) as training:
        training.log_episode(0, 1.0, 5)
        before = select_groups(RunRegistry(logs), ["one"], []).fingerprint
        same = select_groups(RunRegistry(logs), ["one"], []).fingerprint
        training.log_episode(1, 1.0, 5)
        after = select_groups(RunRegistry(logs), ["one"], []).fingerprint
    ended = select_groups(RunRegistry(logs), ["one"], []).fingerprint

    assert before == same
    assert len({before, after, ended}) == 3


def test_simultaneous_equal_requests_share_one_computation() -> None:
    """If the computation fails, the next request repeats it."""
    kept, begun, go_on, done = AnswerCache(), threading.Event(), threading.Event(), []

    def work() -> bytes:
        done.append(1)
        begun.set()
        assert go_on.wait(10.0)
        if len(done) == 1:
            raise ComparisonError("no")
        return b"answer"

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(kept.answer, "question", work)
        assert begun.wait(10.0)
        others = [threads.submit(kept.answer, "question", work) for _ in range(3)]
        go_on.set()
        with pytest.raises(ComparisonError):
            first.result(10.0)
        assert [other.result(10.0) for other in others] == [b"answer"] * 3
    assert len(done) == 2
