"""The load of NVIDIA GPUs, where NVML answers."""

import importlib
from types import ModuleType
from typing import Any, NamedTuple

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
        self._nvml: ModuleType | None = None
        self._handles: list[Any] = []
        try:
            nvml = importlib.import_module("pynvml")  # here, as it takes longer to import than all the rest
        except ImportError:  # the extra `gpu` is not installed
            return
        try:
            nvml.nvmlInit()
            self._handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError:  # no driver
            return
        self._nvml = nvml

    def read(self) -> GpuLoad | None:
        """The load at this moment; `None` where there is nothing to read."""
        nvml = self._nvml
        if nvml is None or not self._handles:
            return None
        try:
            rates = [float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu) for handle in self._handles]
            used = [int(nvml.nvmlDeviceGetMemoryInfo(handle).used) for handle in self._handles]
        except nvml.NVMLError:
            return None
        return GpuLoad(sum(rates) / len(rates), sum(used) / _MIB)
