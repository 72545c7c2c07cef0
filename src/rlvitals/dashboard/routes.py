"""Routes of the JSON API. Every route is read-only and has a bounded cost."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from rlvitals.comparison import Divergence, HistoryRank, first_divergence
from rlvitals.dashboard import parameter_views, run_details
from rlvitals.dashboard import query_params as q
from rlvitals.dashboard.broadcaster import LIST, MOST_PAGES, Broadcaster
from rlvitals.dashboard.curve_series import CurveSeries
from rlvitals.dashboard.curve_views import curves, curves_csv, fields_of
from rlvitals.dashboard.group_comparison import (
    AnswerCache,
    ComparisonPage,
    compare_selection,
    history_rank,
    select_groups,
)
from rlvitals.dashboard.run_header import RunHeader, run_header
from rlvitals.dashboard.run_registry import UnreadableFolder
from rlvitals.dashboard.run_row import RunRow
from rlvitals.dashboard.security import PICTURE_POLICY
from rlvitals.dashboard.side_by_side import side_by_side
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.records.json_encoding import strict_json
from rlvitals.records.metrics import METRICS
from rlvitals.runs.artifacts import media_type
from rlvitals.summary.run_summary import RunSummary

T = TypeVar("T")

_REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"description": "The run or a part of it does not exist."},
    409: {"description": "The run cannot be read."},
    429: {"description": "Too many simultaneous requests."},
}
router = APIRouter(prefix="/api/v1", responses=_REFUSALS)

_REF = "#/components/schemas/{name}"
_KEEP_ALIVE_S = 15.0
_MOST_AT_WORK = 2
_MOST_WAITING = 8


class RunList(msgspec.Struct, frozen=True):
    """The runs in the folder, newest first, and the folders that cannot be opened."""

    folder: str
    runs: list[RunRow]
    refused: list[UnreadableFolder]


class Curves(msgspec.Struct, frozen=True):
    """Curves of one run."""

    run: str
    series: list[CurveSeries]


DESCRIBED = (RunList, RunHeader, Curves, RunSummary, ComparisonPage, Divergence, HistoryRank)
"""Payloads with a schema in the OpenAPI document."""


class DashboardState:
    """State that the routes share.

    Args:
        broadcaster: Broadcaster, which has the registry of the runs.
    """

    def __init__(self, broadcaster: Broadcaster) -> None:
        self.broadcaster = broadcaster
        self.comparisons = AnswerCache()
        self._places = threading.BoundedSemaphore(_MOST_WAITING)
        self._workers = threading.BoundedSemaphore(_MOST_AT_WORK)

    def open(self, key: str) -> WatchedRun:
        """Open a run and read its new records.

        Raises:
            RunError: The run does not exist or cannot be read.
        """
        run = self.broadcaster.registry.open(key)
        run.refresh()
        return run

    def header(self, run: WatchedRun) -> RunHeader:
        """Return the header of the page of a run, with the last assessment."""
        return run_header(run, self.broadcaster.registry.worker.last(run))

    def work(self, question: Callable[[], T]) -> T:
        """Run an expensive request. A few run at a time, and a few more wait.

        Raises:
            HTTPException: Too many requests are waiting.
        """
        if not self._places.acquire(blocking=False):
            raise HTTPException(429, "too many expensive requests at the same time: try again in a moment")
        try:
            with self._workers:
                return question()
        finally:
            self._places.release()


def _state(request: Request) -> DashboardState:
    state: DashboardState = request.app.state.dashboard
    return state


State = Annotated[DashboardState, Depends(_state)]


def _open(state: State, run: q.Key) -> WatchedRun:
    return state.open(run)


def _open_all(state: State, run: q.Keys) -> list[WatchedRun]:
    return [state.open(key) for key in dict.fromkeys(run)]


OpenRun = Annotated[WatchedRun, Depends(_open)]
OpenRuns = Annotated[list[WatchedRun], Depends(_open_all)]
View = Annotated[q.View, Depends()]


def _responses(payload: type) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=payload.__name__)}
    return {"responses": {200: {"content": {"application/json": {"schema": schema}}}}, "response_class": Response}


def _json(payload: Any) -> Response:
    return Response(strict_json(payload), media_type="application/json")


@router.get("/runs", **_responses(RunList))
def runs(state: State) -> Response:
    """Return the list of runs."""
    registry = state.broadcaster.registry
    return _json(RunList(registry.folder.name or "/", *registry.rows()))


@router.get("/run", **_responses(RunHeader))
def run(state: State, run: OpenRun) -> Response:
    """Return the header of the page of a run: status, progress, verdict, findings."""
    return _json(state.header(run))


@router.get("/run/series", **_responses(Curves))
def run_series(run: OpenRun, field: q.Fields, view: View) -> Response:
    """Return curves of fields in a range: points that keep every extreme, a moving average, and the spread."""
    return _json(Curves(run.key, curves(run, field, view)))


@router.get("/run/series.csv", responses={200: {"content": {"text/csv": {}}}}, response_class=Response)
def run_series_csv(run: OpenRun, field: q.Fields, view: View) -> Response:
    """Return every row of fields in a range as CSV."""
    headers = {"content-disposition": 'attachment; filename="series.csv"'}
    return StreamingResponse(curves_csv(run, field, view), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/run/fields")
def run_fields(run: OpenRun) -> Response:
    """Return the names of all fields that can be drawn, by stream."""
    return _json(fields_of(run))


@router.get("/run/groups")
def run_groups(run: OpenRun, within: Annotated[q.RowRange, Depends()], by: q.Grouping = "category") -> Response:
    """Return the episodes of a range by group, with intervals of their success rates."""
    return _json(run_details.groups_of(run, by, within))


@router.get("/run/summary", **_responses(RunSummary))
def run_summary(state: State, run: OpenRun) -> Response:
    """Return the full summary of a run.

    Takes seconds for a million episodes. The result is cached until the run gains records.
    """
    return _json(state.work(lambda: run.cached("summary", run.reader.summary)))


@router.get("/run/dashboard")
def run_dashboard(state: State, run: OpenRun) -> Response:
    """Return the result of `create_dashboard_data` of the Python API."""
    return _json(state.work(lambda: run.cached("dashboard", run.reader.create_dashboard_data)))


@router.get("/run/events")
def run_events(run: OpenRun, kind: q.EventKind = None, limit: q.EventCount = 200) -> Response:
    """Return notes, milestones and changes of state, newest first."""
    return _json(run_details.events_of(run, kind, limit))


@router.get("/run/evaluations")
def run_evaluations(run: OpenRun) -> Response:
    """Return the evaluations, the baselines, and the comparison with the baselines."""
    return _json(run_details.evaluations_of(run))


@router.get("/run/configuration")
def run_configuration(run: OpenRun) -> Response:
    """Return the configuration of a run and the data to reproduce it."""
    return _json(run_details.configuration_of(run))


@router.get("/run/parameters")
def run_parameters(state: State, run: OpenRun, outcome: q.Name = "reward") -> Response:
    """Return the explored parameters: a sample of episodes as lines of parallel coordinates."""
    return _json(state.work(lambda: parameter_views.lines_of(run, outcome)))


@router.get("/run/heatmap")
def run_heatmap(state: State, run: OpenRun, x: q.Name, y: q.Name, outcome: q.Name = "reward") -> Response:
    """Return the mean outcome in each cell of two parameters."""
    cells = state.work(lambda: parameter_views.heat_map(run, x, y, outcome))
    if cells is None:
        raise HTTPException(404, "the run has no such parameter or outcome")
    return _json(cells)


@router.get("/run/exploration")
def run_exploration(state: State, run: OpenRun) -> Response:
    """Return the parameter analysis by category: coverage, drivers, best regions. Takes seconds."""
    return _json(state.work(lambda: parameter_views.exploration(run)))


@router.get("/run/pictures")
def run_pictures(run: OpenRun) -> Response:
    """Return the logged pictures of a run, oldest first."""
    return _json({"pictures": run_details.pictures_of(run)})


@router.get("/run/picture", responses={200: {"content": {"image/*": {}}}}, response_class=Response)
def run_picture(run: OpenRun, name: q.Name) -> Response:
    """Return one picture. A content security policy keeps an SVG from running scripts and loading resources."""
    content = run_details.picture(run, name) or b""
    media = media_type(content)
    if media is None:
        raise HTTPException(404, "the run has no such image")
    headers = {"content-security-policy": PICTURE_POLICY, "cache-control": "private, max-age=3600"}
    return Response(content, media_type=media, headers=headers)


@router.get("/compare")
def compare(state: State, runs: OpenRuns) -> Response:
    """Return the headers of runs side by side, and the differences in their configuration."""
    return _json(side_by_side(runs, [state.header(run) for run in runs]))


@router.get("/compare/series")
def compare_series(runs: OpenRuns, field: q.Name, view: View) -> Response:
    """Return one curve of each run."""
    return _json([Curves(run.key, curves(run, [field], view)) for run in runs])


@router.get("/compare/groups", **_responses(ComparisonPage))
def compare_groups(
    state: State,
    options: Annotated[q.ComparisonOptions, Depends()],
    run: q.Members = [],  # noqa: B006 - a FastAPI default, never mutated
    group: q.Patterns = [],  # noqa: B006 - a FastAPI default, never mutated
) -> Response:
    """Return the comparison of groups of runs, as `rlvitals.compare` does: verdicts, estimates and caveats."""
    selection = select_groups(state.broadcaster.registry, run, group)
    question = options, selection.fingerprint

    def answer() -> bytes:
        return state.comparisons.answer(question, lambda: strict_json(compare_selection(selection, options)))

    return Response(state.work(answer), media_type="application/json")


@router.get("/compare/divergence", **_responses(Divergence))
def compare_divergence(state: State, run: q.Two) -> Response:
    """Return the first update at which two runs differ, and the differences in their configuration."""
    one, other = (state.broadcaster.registry.run(key) for key in run)
    return _json(state.work(lambda: first_divergence(one, other)))


@router.get("/run/place", **_responses(HistoryRank))
def run_place(state: State, run: q.Key, metric: q.Metric = "reward") -> Response:
    """Return the rank of a run among the earlier runs of the same environment."""
    return _json(state.work(lambda: history_rank(state.broadcaster.registry, run, metric)))


@router.get("/metrics")
def metrics() -> Response:
    """Return the metric dictionary by stream: title, unit, format, panel, formula and healthy range of each metric."""
    return _json({stream: {one.name: one.as_dict() for one in known} for stream, known in METRICS.items()})


@router.get("/stream", responses={200: {"content": {"text/event-stream": {}}}}, response_class=Response)
async def stream(
    state: State,
    run: Annotated[
        str | None, Query(max_length=1_000, description="Key of the run; omit it for the list of runs.")
    ] = None,
) -> Response:
    """Stream changes as server-sent events; see docs/reference/json-api.md."""
    if state.broadcaster.pages >= MOST_PAGES:
        raise HTTPException(429, f"more than {MOST_PAGES} pages are open: close some pages and reload this one")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(state.broadcaster, run or LIST), media_type="text/event-stream", headers=headers)


async def _events(broadcaster: Broadcaster, channel: str) -> AsyncIterator[bytes]:
    subscription = broadcaster.subscribe(channel, asyncio.get_running_loop())
    try:
        yield b"retry: 1000\n\nevent: hello\ndata: {}\n\n"
        while (message := await subscription.next(_KEEP_ALIVE_S)) is not None:
            yield message
    finally:
        broadcaster.unsubscribe(channel, subscription)


def schemas() -> dict[str, Any]:
    """Return the schemas of the payloads for the OpenAPI document."""
    return msgspec.json.schema_components(DESCRIBED, ref_template=_REF)[1]
