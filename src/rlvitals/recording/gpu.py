"""The load of NVIDIA GPUs, where NVML answers."""

from typing import Any, NamedTuple

try:
    import pynvml
except ImportError:  # the extra `gpu` is not installed
    pynvml = None

_MIB = 1 << 20


class GpuLoad(NamedTuple):
    """Load of all GPUs together.

    Attributes:
        utilization: Mean over the GPUs, percent.
        memory: Sum over the GPUs, MiB.
    """

    utilization: float
    memory: float


class GpuMeter:
    """Reads the GPUs' load; without a GPU, a driver or the package it reads nothing."""

    def __init__(self) -> None:
        self._handles: list[Any] = []
        if pynvml is None:
            return
        try:
            pynvml.nvmlInit()
            self._handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError:
            self._handles = []

    def read(self) -> GpuLoad | None:
        """The load at this moment; `None` where there is nothing to read."""
        if not self._handles:
            return None
        try:
            rates = [float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in self._handles]
            used = [int(pynvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles]
        except pynvml.NVMLError:
            return None
        return GpuLoad(sum(rates) / len(rates), sum(used) / _MIB)
