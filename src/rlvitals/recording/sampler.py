"""System load and training throughput, sampled at an interval."""

from typing import Any

import psutil

from rlvitals.clock import Clock
from rlvitals.recording.gpu import GpuMeter
from rlvitals.recording.window import LiveWindow

_MIB = 1 << 20
_PER_MINUTE = 60.0


class SystemSampler:
    """Sampler of the load and throughput of this process.

    Args:
        window: Live window, the source of the environment step and the episode count.
        clock: Source of the time.
    """

    def __init__(self, window: LiveWindow, clock: Clock) -> None:
        self._window = window
        self._clock = clock
        self._process = psutil.Process()
        self._process.cpu_percent()  # the first call only starts the measurement
        self._gpu = GpuMeter()
        self._before = (clock.monotonic(), window.env_step, window.episodes)

    def sample(self) -> dict[str, Any]:
        """Return the fields of a `records.SystemSample`. Rates are averages since the previous sample."""
        with self._process.oneshot():
            memory = self._process.memory_info().rss / _MIB
            cpu = self._process.cpu_percent()
            threads = self._process.num_threads()
        then, step_before, episodes_before = self._before
        now, env_step, episodes = self._before = (self._clock.monotonic(), self._window.env_step, self._window.episodes)
        elapsed = now - then
        steps = None if env_step is None or step_before is None else env_step - step_before
        load = self._gpu.read()
        return {
            "time": self._clock.time(),
            "env_step": env_step,
            "episode": self._window.last_episode,
            "memory": memory,
            "memory_available": psutil.virtual_memory().available / _MIB,
            "cpu_percent": cpu,
            "threads": threads,
            "gpu_utilization": load and load.utilization,
            "gpu_memory": load and load.memory,
            # A decrease is a rewind, for which a rate is meaningless.
            "env_steps_per_second": steps / elapsed if steps is not None and steps >= 0 and elapsed > 0 else None,
            "episodes_per_minute": _PER_MINUTE * max(0, episodes - episodes_before) / elapsed if elapsed > 0 else None,
        }
