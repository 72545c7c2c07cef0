"""Test suites and tools for plug-in authors.

`SinkContract` in `testing.sinks`, `ExporterContract` in `testing.exporters`, `ImporterContract` in `testing.importers`,
`AdapterContract` in `testing.adapters`, and `ManualClock` in `testing.manual_clock`.
"""

import contextlib

with contextlib.suppress(ImportError):  # `ManualClock` works without pytest
    import pytest

    for _suite in ("sinks", "exporters", "importers", "adapters"):
        pytest.register_assert_rewrite(f"rlvitals.testing.{_suite}")
