"""A meter for NVIDIA GPUs, by the NVIDIA Management Library; the one module that imports its Python binding."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from gogh_sim.errors import InputError
from gogh_sim.measure.meter import Reading

_GIB = 2**30


class NvmlMeter:
    """Meter of the GPU with this index, as nvidia-smi numbers them.

    Raises
    ------
    InputError
        If the binding or the driver is missing, there is no such GPU, or another process uses it.
    """

    def __init__(self, index: int) -> None:
        self._nvml = _binding()
        try:
            self._nvml.nvmlInit()
            self._gpu = self._nvml.nvmlDeviceGetHandleByIndex(index)
        except self._nvml.NVMLError as error:
            raise InputError(
                f"NVIDIA GPU {index} cannot be metered: {error}; give --meter none for rates only"
            ) from error
        busy = sorted(int(p.pid) for p in self._nvml.nvmlDeviceGetComputeRunningProcesses(self._gpu))
        if busy:
            raise InputError(f"GPU {index} is in use by processes {busy}; measurements need it for themselves")

    def read(self) -> Reading:
        """Board watts, clocks, and memory in use."""
        nvml, gpu = self._nvml, self._gpu
        return Reading(
            power_w=nvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,
            sm_clock_mhz=float(nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM)),
            memory_clock_mhz=float(nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM)),
            # Of the whole device: NVML names processes by their ids on the host, which a container does not know.
            memory_gib=nvml.nvmlDeviceGetMemoryInfo(gpu).used / _GIB,
        )

    def describe(self) -> dict[str, str]:
        """Card, driver and power limit."""
        nvml, gpu = self._nvml, self._gpu
        return {
            "meter": "NVML",
            "gpu": str(nvml.nvmlDeviceGetName(gpu)),
            "driver": str(nvml.nvmlSystemGetDriverVersion()),
            "power_limit_w": f"{nvml.nvmlDeviceGetPowerManagementLimit(gpu) / 1e3:g}",
        }


def _binding() -> ModuleType:
    try:
        return import_module("pynvml")
    except ImportError as error:
        raise InputError(
            "metering needs nvidia-ml-py; install it with pip install 'gogh-sim[measure]', or give --meter none for "
            "rates only"
        ) from error
