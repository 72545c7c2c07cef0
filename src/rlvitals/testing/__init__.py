"""What a plug-in's author inherits to test with.

`testing.sinks.SinkContract`, `testing.exporters.ExporterContract`, and `testing.manual_clock.ManualClock`.
"""

import contextlib

with contextlib.suppress(ImportError):  # the clock does without pytest
    import pytest

    pytest.register_assert_rewrite("rlvitals.testing.sinks", "rlvitals.testing.exporters")
