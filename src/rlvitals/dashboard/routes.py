"""The JSON API. Everything is read, nothing is written; what a question may cost is bounded."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from rlvitals.comparison import Comparison, Divergence, HistoryRank, first_divergence
from rlvitals.dashboard import query_params as q
from rlvitals.dashboard.broadcaster import LIST, MOST_PAGES, Broadcaster
from rlvitals.dashboard.curve_series import AUTO, CurveSeries
from rlvitals.dashboard.curve_views import View, curves, curves_csv, fields_of
from rlvitals.dashboard.group_comparison import Asked, ComparisonCache, compared, placed, select_groups
from rlvitals.dashboard.json_encoding import strict_json
from rlvitals.dashboard.parameter_views import exploration, heat_map, lines_of, tried_of
from rlvitals.dashboard.run_details import (
    configuration_of,
    evaluations_of,
    events_of,
    groups_of,
    picture,
    pictures_of,
)
from rlvitals.dashboard.run_header import RunHeader, run_header
from rlvitals.dashboard.run_registry import UnreadableFolder
from rlvitals.dashboard.run_row import RunRow
from rlvitals.dashboard.security import PICTURE_POLICY
from rlvitals.dashboard.side_by_side import comparison
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.records.metrics import METRICS
from rlvitals.runs.artifacts import media_type
from rlvitals.summary.run_summary import RunSummary

T = TypeVar("T")

_REF = "#/components/schemas/{name}"
_KEEP_ALIVE_S = 15.0
_MOST_AT_WORK = 2
_MOST_WAITING = 8
_FEWER_POINTS = 400


class RunList(msgspec.Struct, frozen=True):
    """The runs of the folder, newest first, and what could not be opened."""

    folder: str
    runs: list[RunRow]
    refused: list[UnreadableFolder]


class Curves(msgspec.Struct, frozen=True):
    """Curves of one run."""

    run: str
    series: list[CurveSeries]


DESCRIBED = (RunList, RunHeader, Curves, RunSummary, Comparison, Divergence, HistoryRank)
"""The payloads whose schemas are in the OpenAPI document."""


def _told(kind: type) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name=kind.__name__)}
    return {"responses": {200: {"content": {"application/json": {"schema": schema}}}}, "response_class": Response}


class DashboardState:
    """What the routes answer from.

    Args:
        broadcaster: Where the runs are.
    """

    def __init__(self, broadcaster: Broadcaster) -> None:
        self.broadcaster = broadcaster
        self.compared = ComparisonCache()
        self._places = threading.BoundedSemaphore(_MOST_WAITING)
        self._hands = threading.BoundedSemaphore(_MOST_AT_WORK)

    def opened(self, key: str) -> WatchedRun:
        """A run, as it is now.

        Raises:
            RunError: There is none, or it cannot be read.
        """
        run = self.broadcaster.registry.open(key)
        run.refresh()
        return run

    def worked(self, question: Callable[[], T]) -> T:
        """The answer to a long question: a few are let through at a time, a few more wait.

        Raises:
            HTTPException: There are too many already.
        """
        if not self._places.acquire(blocking=False):
            raise HTTPException(429, "too many long questions at once: ask again in a moment")
        try:
            with self._hands:
                return question()
        finally:
            self._places.release()


def _desk(request: Request) -> DashboardState:
    desk: DashboardState = request.app.state.desk
    return desk


State = Annotated[DashboardState, Depends(_desk)]
router = APIRouter(prefix="/api/v1")


@router.get("/runs", **_told(RunList))
def runs(desk: State) -> Response:
    """The list of runs."""
    rows, refused = desk.broadcaster.registry.rows()
    return _json(RunList(desk.broadcaster.registry.folder.name or "/", rows, refused))


@router.get("/run", **_told(RunHeader))
def run(desk: State, run: q.Key) -> Response:
    """The top of a run's page: where it is, how it goes, what is wrong."""
    found = desk.opened(run)
    return _json(run_header(found, desk.broadcaster.judge.last(found)))


@router.get("/run/series", **_told(Curves))
def run_series(
    desk: State,
    run: q.Key,
    field: q.Fields,
    stream: q.StreamName = "episodes",
    clock: q.ClockName = "episode",
    low: q.Low = None,
    high: q.High = None,
    points: q.PointCount = 1_000,
    smoothing: q.Smoothing = AUTO,
    category: q.Category = None,
) -> Response:
    """Curves of some fields: the points of the visible range that keep every extreme, smoothed, spread."""
    view = View(clock, low, high, points, smoothing, category)
    return _json(Curves(run, curves(desk.opened(run), stream, field, view)))


@router.get("/run/series.csv", responses={200: {"content": {"text/csv": {}}}}, response_class=Response)
def run_series_csv(
    desk: State,
    run: q.Key,
    field: q.Fields,
    stream: q.StreamName = "episodes",
    clock: q.ClockName = "episode",
    low: q.Low = None,
    high: q.High = None,
    category: q.Category = None,
) -> Response:
    """The same range of the same fields as CSV, every row of it."""
    rows = curves_csv(desk.opened(run), stream, field, View(clock, low, high, category=category))
    headers = {"content-disposition": 'attachment; filename="series.csv"'}
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/run/fields")
def run_fields(desk: State, run: q.Key) -> Response:
    """Everything that can be drawn, by stream."""
    return _json(fields_of(desk.opened(run)))


@router.get("/run/groups")
def run_groups(
    desk: State,
    run: q.Key,
    by: q.Grouping = "category",
    clock: q.ClockName = "episode",
    low: q.Low = None,
    high: q.High = None,
) -> Response:
    """Episodes of a range by what they have in common, with intervals of their success rates."""
    return _json(groups_of(desk.opened(run), by, low, high, clock))


@router.get("/run/summary", **_told(RunSummary))
def run_summary(desk: State, run: q.Key) -> Response:
    """The whole account of a run. Takes seconds for a million episodes; kept until the run gains something."""
    found = desk.opened(run)
    return _json(desk.worked(lambda: found.kept("summary", found.reader.summary)))


@router.get("/run/dashboard")
def run_dashboard(desk: State, run: q.Key) -> Response:
    """What `create_dashboard_data` of the Python interface gives."""
    found = desk.opened(run)
    return _json(desk.worked(lambda: found.kept("dashboard", found.reader.create_dashboard_data)))


@router.get("/run/events")
def run_events(desk: State, run: q.Key, kind: q.EventKind = None, limit: q.EventCount = 200) -> Response:
    """Notes, milestones, changes of state: newest first."""
    return _json(events_of(desk.opened(run), kind, limit))


@router.get("/run/evaluations")
def run_evaluations(desk: State, run: q.Key) -> Response:
    """Evaluations, baselines, and the one held against the others."""
    return _json(evaluations_of(desk.opened(run)))


@router.get("/run/configuration")
def run_configuration(desk: State, run: q.Key) -> Response:
    """What the run was started with, and what reproduces it."""
    return _json(configuration_of(desk.opened(run)))


@router.get("/run/parameters")
def run_parameters(desk: State, run: q.Key, outcome: q.Name = "reward") -> Response:
    """The parameters that were tried: some episodes as lines of parallel coordinates."""
    found = desk.opened(run)
    return _json(desk.worked(lambda: lines_of(tried_of(found), outcome)))


@router.get("/run/heatmap")
def run_heatmap(desk: State, run: q.Key, x: q.Name, y: q.Name, outcome: q.Name = "reward") -> Response:
    """The mean outcome of each cell of two parameters."""
    found = desk.opened(run)
    cells = desk.worked(lambda: heat_map(tried_of(found), x, y, outcome))
    if cells is None:
        raise HTTPException(404, "the run has no such parameter or outcome")
    return _json(cells)


@router.get("/run/exploration")
def run_exploration(desk: State, run: q.Key) -> Response:
    """What the parameters do, by type: coverage, drivers, best regions. Takes seconds."""
    found = desk.opened(run)
    return _json(desk.worked(lambda: exploration(found)))


@router.get("/run/pictures")
def run_pictures(desk: State, run: q.Key) -> Response:
    """The pictures that the run logged, oldest first."""
    return _json({"pictures": pictures_of(desk.opened(run))})


@router.get("/run/picture", responses={200: {"content": {"image/*": {}}}}, response_class=Response)
def run_picture(desk: State, run: q.Key, name: q.Name) -> Response:
    """One picture. An SVG is sealed, so that it runs no script and loads nothing."""
    content = picture(desk.opened(run), name) or b""
    media = media_type(content)
    if media is None:
        raise HTTPException(404, "the run has no such picture")
    headers = {"content-security-policy": PICTURE_POLICY, "cache-control": "private, max-age=3600"}
    return Response(content, media_type=media, headers=headers)


@router.get("/compare")
def compare(desk: State, run: q.Keys) -> Response:
    """Runs side by side: their heads, and what differs in their configuration."""
    found = [desk.opened(key) for key in dict.fromkeys(run)]
    return _json(comparison(found, [run_header(one, desk.broadcaster.judge.last(one)) for one in found]))


@router.get("/compare/series")
def compare_series(
    desk: State,
    run: q.Keys,
    field: q.Name,
    stream: q.StreamName = "episodes",
    clock: q.ClockName = "episode",
    low: q.Low = None,
    high: q.High = None,
    points: q.PointCount = _FEWER_POINTS,
    smoothing: q.Smoothing = AUTO,
) -> Response:
    """One curve of each of some runs."""
    view = View(clock, low, high, points, smoothing)
    return _json([Curves(key, curves(desk.opened(key), stream, [field], view)) for key in dict.fromkeys(run)])


@router.get("/compare/groups", **_told(Comparison))
def compare_groups(
    desk: State,
    run: q.Members = [],  # noqa: B006 - a default of FastAPI's, never changed
    group: q.Patterns = [],  # noqa: B006 - likewise
    metric: q.Metric = "reward",
    statistic: q.StatisticName = "final",
    axis: q.AxisName = None,
    by: q.By = None,
    baseline: q.Baseline = None,
    target: q.Goal = None,
    margin: q.Margin = None,
    lower_is_better: q.Flag = False,
    every_pair: q.Flag = False,
) -> Response:
    """Groups of runs held against each other: what may be concluded, and what not (`rlvitals.compare`)."""
    chosen = select_groups(desk.broadcaster.registry, run, group)
    asked = Asked(metric, statistic, axis, by, baseline, target, margin, lower_is_better, every_pair)
    question = asked, chosen.sign
    answer = desk.worked(lambda: desk.compared.answer(question, lambda: strict_json(compared(chosen, asked))))
    return Response(answer, media_type="application/json")


@router.get("/compare/divergence", **_told(Divergence))
def compare_divergence(desk: State, run: q.Two) -> Response:
    """Where two runs part: the first update from which they differ, and what differs in their configuration."""
    one, other = (desk.broadcaster.registry.run(key) for key in run)
    return _json(desk.worked(lambda: first_divergence(one, other)))


@router.get("/run/place", **_told(HistoryRank))
def run_place(desk: State, run: q.Key, metric: q.Metric = "reward") -> Response:
    """Where a run stands among those that began before it, in the same environment."""
    return _json(desk.worked(lambda: placed(desk.broadcaster.registry, run, metric)))


@router.get("/metrics")
def metrics() -> Response:
    """The metric dictionary: title, unit, format, panel, formula and healthy range of each number, by stream."""
    return _json({stream: {one.name: one.as_dict() for one in known} for stream, known in METRICS.items()})


@router.get("/stream", responses={200: {"content": {"text/event-stream": {}}}}, response_class=Response)
async def stream(
    desk: State,
    run: Annotated[str | None, Query(max_length=1_000, description="The run; without it, the list of runs.")] = None,
) -> Response:
    """What is new, as server-sent events: see docs/dashboard.md."""
    if desk.broadcaster.pages >= MOST_PAGES:
        raise HTTPException(429, f"more than {MOST_PAGES} pages are open")
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(desk.broadcaster, run or LIST), media_type="text/event-stream", headers=headers)


async def _events(broadcaster: Broadcaster, channel: str) -> AsyncIterator[bytes]:
    subscription = broadcaster.subscribe(channel, asyncio.get_running_loop())
    try:
        yield b"retry: 1000\n\nevent: hello\ndata: {}\n\n"
        while (message := await subscription.next(_KEEP_ALIVE_S)) is not None:
            yield message
    finally:
        broadcaster.unsubscribe(channel, subscription)


def _json(payload: Any) -> Response:
    return Response(strict_json(payload), media_type="application/json")


def schemas() -> dict[str, Any]:
    """The schemas of the payloads, for the OpenAPI document."""
    return msgspec.json.schema_components(DESCRIBED, ref_template=_REF)[1]
