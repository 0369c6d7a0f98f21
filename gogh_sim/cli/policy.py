"""Policies from their configuration: any class named by ``_target_``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hydra.errors import HydraException
from hydra.utils import instantiate

from gogh_sim.errors import InputError
from gogh_sim.policy import PolicyContext, Scheduler, ThroughputSource

_OURS = ("name", "knowledge")
_OWN_PACKAGE = "gogh_sim."
_KNOWLEDGE = ("public", "profile")


def make_policy(config: Mapping[str, Any], context: PolicyContext, truth: ThroughputSource) -> Scheduler:
    """Policy of a scheduler configuration.

    Parameters
    ----------
    config
        ``name``, ``_target_``, ``knowledge`` and the policy's own parameters. With ``knowledge: profile`` the policy
        gets the truth as its argument `source`; with ``public``, the default, it never sees it.

    Raises
    ------
    InputError
        If the class cannot be found or does not take these parameters.
    """
    knowledge = config.get("knowledge", "public")
    if knowledge not in _KNOWLEDGE:
        raise InputError(f"scheduler.knowledge: expected {' or '.join(_KNOWLEDGE)}, found {knowledge!r}")
    given = {"source": truth} if knowledge == "profile" else {}
    own = {key: value for key, value in config.items() if key not in _OURS}
    target = str(own["_target_"])
    module, _, name = target.rpartition(".")
    try:
        parameters = inspect.signature(getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InputError(f"scheduler._target_: expected a policy's module.Class, found {target!r} ({error})") from error
    try:
        parameters.bind(context, **{key: value for key, value in own.items() if not key.startswith("_")}, **given)
    except TypeError as error:
        raise InputError(f"scheduler {config['name']}: {target} {error}") from error
    scheduler: Scheduler
    try:
        scheduler = instantiate(own, _partial_=True, _convert_="all")(context, **given)
    except HydraException as error:
        raise InputError(f"scheduler {config['name']}: {str(error).splitlines()[0]}") from error
    except (TypeError, ValueError, OverflowError) as error:
        if not target.startswith(_OWN_PACKAGE):
            raise  # whoever writes a policy needs the traceback
        raise InputError(f"scheduler {config['name']}: a value is of the wrong kind ({error})") from error
    return scheduler
