"""Tests of the API over HTTP."""

import json
import math
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rlvitals import TrainingMonitor

Monitor = Callable[..., TrainingMonitor]

KINDS = ("nothing", "one", "no updates", "all NaN")
VIEWS = (
    "", "/series?field=reward", "/series?field=entropy&stream=updates&clock=episode", "/fields", "/groups", "/summary",
    "/dashboard", "/events", "/evaluations", "/configuration", "/parameters", "/exploration", "/pictures",
    "/series.csv?field=reward",
)  # fmt: skip
EVIL = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


MOST_OTHERS = 10
"""Maximum number of other events before the awaited one; a page gets an event every few seconds at least."""


def heard(lines: Iterator[str], event: str) -> Any:
    """Return the data of the next event of a name."""
    others: list[str] = []
    for line in lines:
        assert line != ": still here", f"no event arrived before the keep-alive, not even {event}"
        if line == f"event: {event}":
            return json.loads(next(lines).removeprefix("data: "))
        others += [line] if line.startswith("event:") else []
        assert len(others) < MOST_OTHERS, f"{others}, but no {event}"
    raise AssertionError(f"the stream ended without {event}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_works_for_incomplete_runs(monitor: Monitor, ask: httpx.Client, kind: str) -> None:
    """Empty runs, single episodes, runs without updates and all-NaN runs give strict JSON."""
    with monitor() as training:
        for number in range({"one": 1, "no updates": 20, "all NaN": 20}.get(kind, 0)):
            training.log_episode(number, math.nan if kind == "all NaN" else 1.0, 5)
        if kind == "all NaN":
            training.log_training_step(1, math.nan, math.nan, math.nan)
    for view in VIEWS:
        path, _, query = view.partition("?")
        answer = ask.get(f"/api/v1/run{path}", params={"run": "run", **dict(httpx.QueryParams(query))})
        assert answer.status_code == 200, (view, answer.text)
        if "csv" not in view:
            json.loads(answer.content, parse_constant=pytest.fail)


def test_custom_objectives_are_on_the_page(monitor: Monitor, ask: httpx.Client) -> None:
    """A declared size has a level, a curve, and a median in each group; attempts are the rows of the parameters."""
    configuration = {"lower_is_better": ["size"]}
    with monitor(configuration=configuration) as training:
        for number in range(3):
            attempts = [{"parameters": {"a": number}, "reward": 1.0}] * 2
            training.log_episode(number, 1.0, 2, category="x", extra={"size": 10 + number}, attempts=attempts)
    head, groups, parameters = (
        ask.get(f"/api/v1/run{path}", params={"run": "run", "by": "category"}).json()
        for path in ("", "/groups", "/parameters")
    )

    assert head["objectives"] == ["extra.size"]
    assert {"attempts", "extra"} <= set(head["dicts"])
    assert (head["overview"]["levels"]["size"]["median"], head["level_texts"]["size"]) == (11.0, "11")
    assert [group["objectives"] for group in groups["groups"]] == [{"size": 11.0}]
    assert (parameters["total"], parameters["unit"]) == (6, "attempt")


def test_a_folder_without_runs_has_an_empty_list(ask: httpx.Client) -> None:
    """A missing folder has an empty list too."""
    assert ask.get("/api/v1/runs").json() == {"folder": "logs", "runs": [], "refused": []}


@pytest.mark.parametrize(
    "path",
    [
        "/run?run=none",
        "/run?run=../finished",
        "/run/picture?run=finished&name=../../run.json",
        "/run/picture?run=finished&name=%2Fetc%2Fpasswd",
        "/run/series?run=finished&field=nope",
        "/run/series?run=finished&field=category.x",
        "/run/heatmap?run=finished&x=a&y=b",
    ],
)
def test_missing_runs_fields_and_pictures_are_not_found(finished: Path, ask: httpx.Client, path: str) -> None:
    """No path leads out of the folder."""
    assert finished.exists()
    assert ask.get(f"/api/v1{path}").status_code == 404


@pytest.mark.parametrize(
    "query",
    ["points=1000000", "points=x", "from=nan", "clock=week", "smoothing=-5", "field=" + "&field=a" * 30],
)
def test_parameters_out_of_bounds_are_refused(finished: Path, ask: httpx.Client, query: str) -> None:
    """Each parameter has bounds."""
    assert finished.exists()
    assert ask.get(f"/api/v1/run/series?run=finished&field=reward&{query}").status_code == 422


def test_csv_has_every_row_of_the_range(finished: Path, ask: httpx.Client) -> None:
    """NaN is spelled, and a missing value is an empty cell."""
    assert finished.exists()
    rows = ask.get("/api/v1/run/series.csv?run=finished&field=reward&field=category&from=98").text.splitlines()

    assert rows == ["episode,reward,category", "98.0,98.0,0.0", "99.0,99.0,1.0", "100.0,NaN,"]


def test_parameters_are_returned_as_lines_and_as_cells(finished: Path, ask: httpx.Client) -> None:
    """Parameters can be numbers or texts."""
    assert finished.exists()
    lines = ask.get("/api/v1/run/parameters?run=finished").json()
    cells = ask.get("/api/v1/run/heatmap?run=finished&x=speckle&y=mode").json()

    assert [axis["name"] for axis in lines["parameters"]] == ["mode", "speckle"]
    assert cells["counts"] == [[25, 0, 25, 0], [0, 25, 0, 25]]
    assert cells["means"] == [[48.0, None, 50.0, None], [None, 49.0, None, 51.0]]


def test_runs_are_shown_side_by_side(finished: Path, monitor: Monitor, ask: httpx.Client) -> None:
    """Differences in nested settings are included."""
    monitor("other", configuration={"gamma": 0.9, "net": {"width": 64}}).close()
    found = ask.get(f"/api/v1/compare?run={finished.name}&run=other").json()
    settings = {one["name"]: (one["values"], one["differs"]) for one in found["settings"]}

    assert settings["gamma"] == (["0.99", "0.9"], True)
    assert settings["net.width"] == (["64", "64"], False)


def test_a_hostile_picture_has_a_strict_policy(monitor: Monitor, ask: httpx.Client) -> None:
    """A picture opened on its own runs nothing, and files that are not pictures are not served."""
    with monitor() as training:
        event = training.log_image("evil", EVIL)
        (training.path / "artifacts" / "secret.png").write_text("not a picture")
        training.log_event("image", "x", data={"file": "secret.png"})
        training.log_event("image", "x", data={"file": "../run.json"})
    served = ask.get("/api/v1/run/picture", params={"run": "run", "name": (event.data or {})["file"]})

    assert served.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in served.headers["content-security-policy"]
    assert "script-src" not in served.headers["content-security-policy"]
    for name in ("secret.png", "../run.json"):
        assert ask.get("/api/v1/run/picture", params={"run": "run", "name": name}).status_code == 404


def test_a_live_run_is_streamed(monitor: Monitor, ask: httpx.Client) -> None:
    """The stream has its rows, events and header."""
    training = monitor()
    with ask.stream("GET", "/api/v1/stream", params={"run": "run"}) as stream:
        lines = stream.iter_lines()
        heard(lines, "hello")
        heard(lines, "head")
        training.log_episode(0, 2.5, 5)
        assert heard(lines, "grown")["columns"]["reward"] == [2.5]
        training.log_event("finding", "Entropy is gone", severity="critical", code="entropy-collapse")
        assert "Entropy is gone" in [event["message"] for event in heard(lines, "events")["events"]]
        while not heard(lines, "head")["findings"]:
            continue
    training.close()


def test_a_request_does_not_remove_records_from_the_stream(monitor: Monitor, ask: httpx.Client) -> None:
    """Every page gets new records, regardless of which request read them."""
    training = monitor()
    with ask.stream("GET", "/api/v1/stream", params={"run": "run"}) as stream:
        lines = stream.iter_lines()
        heard(lines, "head")
        training.log_episode(0, 2.5, 5)
        assert ask.get("/api/v1/run", params={"run": "run"}).json()["rows"]["episodes"] == 1
        assert heard(lines, "grown")["columns"]["reward"] == [2.5]
        # Log the note only now: it is in a separate file and could be read and pushed before the episode.
        training.log_note("and this")
        assert ask.get("/api/v1/run", params={"run": "run"}).status_code == 200
        assert "and this" in [event["message"] for event in heard(lines, "events")["events"]]
    training.close()


def test_the_list_is_streamed(monitor: Monitor, ask: httpx.Client) -> None:
    """The stream reports new and removed runs."""
    with ask.stream("GET", "/api/v1/stream") as stream:
        lines = stream.iter_lines()
        heard(lines, "hello")
        training = monitor("new")
        assert [row["key"] for row in heard(lines, "list")["rows"]] == ["new"]
        training.close()
        shutil.rmtree(training.path)
        while heard(lines, "list")["gone"] != ["new"]:
            continue


def test_a_removed_run_is_reported_in_the_stream_and_recovers(finished: Path, ask: httpx.Client) -> None:
    """The stream reports that the run is unreadable, then asks pages to reload."""
    aside = finished.parents[1] / "aside"
    with ask.stream("GET", "/api/v1/stream", params={"run": "finished"}) as stream:
        lines = stream.iter_lines()
        heard(lines, "head")
        finished.replace(aside)
        assert "finished" in heard(lines, "unreadable")["reason"]
        aside.replace(finished)
        assert heard(lines, "again") == {}


def test_the_openapi_document_describes_every_payload(ask: httpx.Client) -> None:
    """The documentation also lists every route."""
    document = ask.get("/api/v1/openapi.json").json()
    page = (Path(__file__).parents[3] / "docs" / "reference" / "json-api.md").read_text()

    assert {"RunHeader", "RunList", "Curves", "RunSummary"} <= document["components"]["schemas"].keys()
    assert [path for path in document["paths"] if f"`{path.removeprefix('/api/v1')}" not in page] == []


def test_simultaneous_requests_get_the_same_response(finished: Path, ask: httpx.Client) -> None:
    """Eight threads request the same curves."""
    assert finished.exists()
    answers: list[bytes] = []

    def question() -> None:
        answers.append(ask.get("/api/v1/run/series?run=finished&field=reward&field=length").content)

    threads = [threading.Thread(target=question) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(answers)) == 1


def test_notes_are_sorted_by_their_time(monitor: Monitor, ask: httpx.Client) -> None:
    """In a replay, records can be out of order."""
    with monitor() as training:
        training.log_event("note", "later", time=1_000.0)
        training.log_event("note", "earlier", time=500.0)
    events = ask.get("/api/v1/run/events", params={"run": "run", "kind": "note"}).json()["events"]
    assert [event["message"] for event in events] == ["later", "earlier"]


def test_missing_reproduction_facts_are_omitted(monitor: Monitor, ask: httpx.Client) -> None:
    """A run recorded outside a repository has no `git null`."""
    with monitor() as training:
        pass
    header = training.path / "run.json"
    said = json.loads(header.read_text())
    header.write_text(json.dumps(said | {"reproduction": said["reproduction"] | {"git": None}}))
    facts = dict(ask.get("/api/v1/run/configuration", params={"run": "run"}).json()["reproduction"])
    assert "python" in facts
    assert "null" not in facts.values()
