"""Job traces: read, check, write, generate, cut to windows, scale to a load, and equip with workloads and SLAs."""

from gogh_sim.traces.assign import Mix, SlaClass, assign_sla, assign_workloads
from gogh_sim.traces.describe import statistics
from gogh_sim.traces.faults import Fault, Severity
from gogh_sim.traces.fetch import fetch, public_files
from gogh_sim.traces.formats import FORMATS, Format, check, convert, guess, read, write
from gogh_sim.traces.mapping import map_models, map_workloads
from gogh_sim.traces.quarantine import fix, quarantine_file, read_skipping
from gogh_sim.traces.schema import COLUMNS, OPTIONAL_COLUMNS, Trace, jobs_frame
from gogh_sim.traces.sources import Capacity, Sources
from gogh_sim.traces.styles import STYLES, generate
from gogh_sim.traces.window import cut, demand_s, first, scale_gaps, scale_to_load

__all__ = [
    "COLUMNS",
    "FORMATS",
    "OPTIONAL_COLUMNS",
    "STYLES",
    "Capacity",
    "Fault",
    "Format",
    "Mix",
    "Severity",
    "SlaClass",
    "Sources",
    "Trace",
    "assign_sla",
    "assign_workloads",
    "check",
    "convert",
    "cut",
    "demand_s",
    "fetch",
    "first",
    "fix",
    "generate",
    "guess",
    "jobs_frame",
    "map_models",
    "map_workloads",
    "public_files",
    "quarantine_file",
    "read",
    "read_skipping",
    "scale_gaps",
    "scale_to_load",
    "statistics",
    "write",
]
