"""Load of NVIDIA GPUs, read through NVML."""

import importlib
from types import ModuleType
from typing import Any, NamedTuple

_MIB = 1 << 20


class GpuLoad(NamedTuple):
    """Combined load of all GPUs.

    Attributes:
        utilization: Mean utilization over the GPUs, percent.
        memory: Total memory in use on all GPUs, MiB.
    """

    utilization: float
    memory: float


class GpuMeter:
    """Reader of the GPU load. Returns nothing if there is no GPU, no driver or no `pynvml` package."""

    def __init__(self) -> None:
        self._nvml: ModuleType | None = None
        self._handles: list[Any] = []
        try:
            nvml = importlib.import_module("pynvml")  # imported late because the import is slow
        except ImportError:  # the extra `gpu` is not installed
            return
        try:
            nvml.nvmlInit()
            self._handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:  # no driver
            return
        self._nvml = nvml

    def read(self) -> GpuLoad | None:
        """Return the current load, or `None` if it is unavailable."""
        nvml = self._nvml
        if nvml is None or not self._handles:
            return None
        try:
            rates = [float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in self._handles]
            used = [int(nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles]
        except nvml.NVMLError:
            return None
        return GpuLoad(sum(rates) / len(rates), sum(used) / _MIB)
