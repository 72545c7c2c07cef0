"""Web application of the dashboard: the API, the pages, and the access control in front of them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from rlvitals import __version__
from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.dashboard.broadcaster import Broadcaster
from rlvitals.dashboard.routes import DashboardState, router, schemas
from rlvitals.dashboard.run_registry import RunRegistry
from rlvitals.dashboard.security import Guard
from rlvitals.errors import ColumnError, RlvitalsError, RunNotFoundError

STATIC: Final = Path(__file__).parent / "static"
PAGES: Final = ("/", "/run", "/compare")
_MOST_INVALID = 10

_DESCRIPTION = """Vital signs of the training runs in a folder. Every route is read-only.

Non-finite numbers are the strings "NaN", "Infinity" and "-Infinity". Missing values are null.
Times are seconds since 1970 (UTC), durations are seconds, shares are 0 to 1."""


def make_app(
    folder: Path,
    *,
    hosts: Iterable[str] = (),
    token: str | None = None,
    any_address: bool = False,
    mirrors: Path | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Guard:
    """Return the application for a folder of runs.

    Args:
        folder: Folder of runs; it can be created later.
        hosts: Host names that requests can use in addition to the loopback names.
        token: Token that requests must carry; `None` to require no token.
        any_address: Whether requests can use any IP address as host.
        mirrors: Folder with live copies of other trainings in the folder (see `RunRegistry`).
        clock: Source of the current time.
    """
    broadcaster = Broadcaster(RunRegistry(folder.absolute(), mirrors=mirrors, clock=clock), clock=clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        broadcaster.close()

    app = FastAPI(
        title="rlvitals",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # these pages load scripts from other servers
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    app.state.dashboard = DashboardState(broadcaster)
    app.include_router(router)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(RunNotFoundError, _refused(404))
    app.add_exception_handler(ColumnError, _refused(404))
    app.add_exception_handler(RlvitalsError, _refused(409))
    app.add_exception_handler(OSError, _refused(409))
    for path in PAGES:
        app.add_api_route(path, _page, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC))
    return Guard(app, hosts=hosts, token=token, any_address=any_address, close=broadcaster.close)


def _page() -> Response:
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


def _invalid(_: Request, error: Exception) -> Response:
    """Return the names of the invalid parameters, without their values, which can be long."""
    errors = error.errors()[:_MOST_INVALID] if isinstance(error, RequestValidationError) else []
    return JSONResponse({"detail": [{name: one[name] for name in ("type", "loc", "msg")} for one in errors]}, 422)


def _refused(status: int) -> Any:
    def refuse(_: Request, error: Exception) -> Response:
        reason = error.strerror or "the folder cannot be read" if isinstance(error, OSError) else str(error)
        return JSONResponse({"detail": reason[:500]}, status)

    return refuse


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas())
        app.openapi_schema = document
    return app.openapi_schema
