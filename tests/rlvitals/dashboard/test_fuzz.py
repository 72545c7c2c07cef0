"""Generated requests for every route of the API."""

from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from rlvitals.dashboard.app import make_app

_SHOWN = {"run": "finished", "field": "reward", "x": "speckle", "y": "mode"}
_ASKED = (checks.not_a_server_error, checks.response_schema_conformance, checks.content_type_conformance)
_BOUNDED = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


def test_no_request_causes_a_server_error(finished: Path) -> None:
    """Every response conforms to the schema, also for requests about an existing run."""
    app = make_app(finished.parent, hosts=["testserver"])
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    known: Any = schema.exclude(path="/api/v1/stream").get_all_operations()
    operations = [found.ok() for found in known]

    for operation in operations:

        @_BOUNDED
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(checks=_ASKED)
            for name, value in _SHOWN.items():
                if name in (case.query or {}):
                    case.query[name] = [value] if isinstance(case.query[name], list) else value
            case.call_and_validate(checks=_ASKED)

        ask()

    assert len(operations) == 22
