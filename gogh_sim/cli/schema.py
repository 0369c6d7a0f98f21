"""What a run's configuration may hold, by kind of value, so that a wrong one is found before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, get_type_hints

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from gogh_sim.errors import InputError
from gogh_sim.experiment import Mechanism, engine_settings, mechanism
from gogh_sim.metrics.site import Site
from gogh_sim.profiles import ProfileSettings, Sharing
from gogh_sim.services import ServiceSettings

_SITE = ("pue", "carbon_g_per_kwh", "price_usd_per_kwh")

# OmegaConf reads these annotations; what each value means stands beside it in the YAML files.


@dataclass
class _Cluster:
    name: str = MISSING
    theta: int = MISSING
    nodes: Any = MISSING


@dataclass
class _SlaClass:
    slack: float = MISSING
    share: float = MISSING


@dataclass
class _Sla:
    classes: list[_SlaClass] = MISSING


# OmegaConf would take the frozen settings themselves as read-only.
_SERVICE_KINDS = get_type_hints(ServiceSettings)
_Services = make_dataclass(
    "_Services", [(f.name, _SERVICE_KINDS[f.name], field(default=f.default)) for f in fields(ServiceSettings)]
)


@dataclass
class _Trace:
    name: str = MISSING
    format: str = MISSING
    path: str | None = MISSING
    nodes: str | None = None
    throughputs: str | None = None
    on_error: str = "error"
    quarantine: str | None = None
    jobs: int | None = None
    shortest_s: float | None = None
    longest_s: float | None = None
    start_s: Any = None
    duration_s: float | None = None
    max_jobs: int | None = None
    scale_gaps: float = 1.0
    load: float | None = None
    gpu_models: dict[str, str] = field(default_factory=dict)
    workloads: dict[str, str] = field(default_factory=dict)
    oversize: str = "error"
    sla: _Sla = field(default_factory=_Sla)
    services: _Services = field(default_factory=_Services)  # type: ignore[valid-type]


@dataclass
class _Profile:
    name: str = MISSING
    sharing: str = Sharing.MPS.value
    mig: dict[str, str] | None = None
    beta: float | None = None
    interference_shift: float = 0.0
    interference_scatter: float = 0.0


@dataclass
class _Gating:
    idle_s: float = MISSING
    wake_s: float = MISSING


@dataclass
class _Power:
    pue: Any = MISSING
    carbon_g_per_kwh: Any = MISSING
    price_usd_per_kwh: Any = MISSING
    gating: _Gating = field(default_factory=_Gating)


@dataclass
class _Engine:
    mechanism: str = Mechanism.EVENTS.value
    round_s: float = MISSING
    checkpoint_s: float = MISSING
    restore_s: float = MISSING
    measure_s: float = MISSING
    noise_sigma: float = MISSING
    hidden_sigma: float = MISSING
    stall_s: float = MISSING
    horizon_s: float = MISSING


@dataclass
class _Renewal:
    mtbf_s: float = MISSING
    mttr_s: float = MISSING


@dataclass
class _Faults:
    gpu: _Renewal = field(default_factory=_Renewal)
    node: _Renewal = field(default_factory=_Renewal)
    rack: _Renewal = field(default_factory=_Renewal)
    nodes_per_rack: int = MISSING
    straggler: _Renewal = field(default_factory=_Renewal)
    straggler_speed: float = MISSING
    checkpoint_every_s: float = MISSING


@dataclass
class _Run:
    experiment: str = MISSING
    seed: int = MISSING
    tune_for: Any = None
    cluster: _Cluster = field(default_factory=_Cluster)
    trace: _Trace = field(default_factory=_Trace)
    profile: _Profile = field(default_factory=_Profile)
    power: _Power = field(default_factory=_Power)
    engine: _Engine = field(default_factory=_Engine)
    faults: _Faults = field(default_factory=_Faults)
    scheduler: dict[str, Any] = field(default_factory=dict)


def plain(config: DictConfig) -> dict[str, Any]:
    """Composed configuration as plain dicts, checked and resolved.

    Raises
    ------
    InputError
        If a value is missing, of the wrong kind or under a name that nothing reads.
    """
    try:
        # Resolved first, so that the kind of what references stand for is checked too.
        given = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
        whole = OmegaConf.merge(OmegaConf.structured(_Run), given)
        found: dict[str, Any] = OmegaConf.to_container(whole, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    except OverflowError as error:
        raise InputError(f"expected numbers that a float can hold: {error}") from error
    except MissingMandatoryValue as error:
        key = error.full_key or str(error).removeprefix("Missing mandatory value: ")
        raise InputError(f"{key} is needed and has no default; give {key}=...") from error
    except ConfigKeyError as error:
        raise InputError(f"nothing reads {error.full_key}") from error
    except OmegaConfBaseException as error:
        place = f"{error.full_key}: " if error.full_key else ""
        raise InputError(f"{place}{error.msg or error}".splitlines()[0]) from error
    _check(found)
    return found


def _check(config: Mapping[str, Any]) -> None:
    if config["seed"] < 0:
        raise InputError(f"seed: expected a whole number from 0, found {config['seed']}")
    site = [config["power"][key] for key in _SITE]
    for key, value in zip(_SITE, site, strict=True):
        series = value if isinstance(value, list) else [value]
        if not series or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in series):
            raise InputError(f"power.{key}: expected a number, or a list with one number per hour, found {value!r}")
    # Built here for what they refuse: a run builds them late.
    Site.of(*site)
    engine_settings(config)
    mechanism(config)
    ProfileSettings.of(config["profile"])
    ServiceSettings.of(config["trace"]["services"])
    nodes = config["cluster"]["nodes"]
    if nodes != "from_trace" and not (isinstance(nodes, list) and nodes):
        raise InputError(
            f"cluster.nodes: expected from_trace or a list of {{gpu_type, count, gpus_per_node}}, found {nodes!r}"
        )
    start_s = config["trace"]["start_s"]
    if not isinstance(start_s, int | float | str | None):
        raise InputError(f"trace.start_s: expected seconds or a date, found {start_s!r}")
    if config["trace"]["path"] is None and config["trace"]["jobs"] is None:
        raise InputError("trace.path is needed: only generated traces, which have trace.jobs, go without")
    for key in ("name", "_target_"):
        if not isinstance(config["scheduler"].get(key), str):
            raise InputError(f"scheduler.{key} is needed, as text")
