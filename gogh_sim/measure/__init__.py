"""Measurements on the user's own machine: real torch workloads timed and metered, alone and in pairs.

What comes out is what ``gogh-sim calibrate --own`` reads. Probes run in processes of their own, so that two of them
share a device as two jobs of a cluster would. Only `probes` imports torch, and only `nvml` NVIDIA's library.
"""

from gogh_sim.measure.campaign import Campaign, Measured, measure
from gogh_sim.measure.catalogue import PROBES, Probe, Size, probe_of
from gogh_sim.measure.files import write_measurements

__all__ = ["PROBES", "Campaign", "Measured", "Probe", "Size", "measure", "probe_of", "write_measurements"]
