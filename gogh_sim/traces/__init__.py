"""Job traces: read, check, write, generate, cut to windows, scale to a load, and equip with workloads and SLAs."""

from gogh_sim.traces.assign import Mix, SlaClass, assign_sla, assign_workloads
from gogh_sim.traces.describe import statistics
from gogh_sim.traces.faults import Fault, Severity
from gogh_sim.traces.formats import FORMATS, check, convert, read, write
from gogh_sim.traces.mapping import map_models
from gogh_sim.traces.schema import COLUMNS, OPTIONAL_COLUMNS, Trace, jobs_frame
from gogh_sim.traces.styles import STYLES, generate
from gogh_sim.traces.window import cut, demand_s, first, scale_gaps, scale_to_load

__all__ = [
    "COLUMNS",
    "FORMATS",
    "OPTIONAL_COLUMNS",
    "STYLES",
    "Fault",
    "Mix",
    "Severity",
    "SlaClass",
    "Trace",
    "assign_sla",
    "assign_workloads",
    "check",
    "convert",
    "cut",
    "demand_s",
    "first",
    "generate",
    "jobs_frame",
    "map_models",
    "read",
    "scale_gaps",
    "scale_to_load",
    "statistics",
    "write",
]
