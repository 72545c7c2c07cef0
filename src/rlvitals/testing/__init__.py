"""Test suites and tools for plug-in authors.

`testing.sinks.SinkContract`, `testing.exporters.ExporterContract`, `testing.adapters.AdapterContract`, and
`testing.manual_clock.ManualClock`.
"""

import contextlib

with contextlib.suppress(ImportError):  # `ManualClock` works without pytest
    import pytest

    pytest.register_assert_rewrite("rlvitals.testing.sinks", "rlvitals.testing.exporters", "rlvitals.testing.adapters")
