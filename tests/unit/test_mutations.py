"""The tests of metrics and energy fail when what they are about is wrong: each mutant here is caught by one of them.

A mutant is a function of the package with a piece of its source exchanged, in place, for as long as the tests meant to
catch it run once more, in a session of their own inside this one.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

from gogh_sim.engine import power
from gogh_sim.metrics import jobs, resources, site, summary

HERE = Path(__file__).parent
ENGINE, SUMMARY, SITE = (
    str(HERE / name) for name in ("test_engine.py", "test_metrics_summary.py", "test_metrics_site.py")
)

MUTANTS: list[tuple[ModuleType, str, str, str]] = [
    # energy: signs, idle terms, segments
    (power, "return host.base_w + host.slope", "return host.base_w - host.slope", ENGINE),
    (power, "return host.base_w + host.slope", "return host.slope", ENGINE),
    (power, "            return host.off_w\n", "            return 0.0\n", ENGINE),
    (power, " : self._first[node + 1]])", " : self._first[node]])", ENGINE),
    (power, "return self._idle_bare_w[gpu] if", "return 0.0 if", ENGINE),
    (power, "        self._gpu_since_s[gpu] = now_s\n", "        pass\n", ENGINE),
    (power, "        self.gpu_energy_j[gpu] += joules\n", "        self.gpu_energy_j[gpu] = joules\n", ENGINE),
    (power, "self.node_energy_j[node] += self", "self.node_energy_j[node] -= self", ENGINE),
    (power, "        self._settle_node(node, now_s)\n        watts = ", "        watts = ", ENGINE),
    # site: hours, units, what holds when
    (site, 'side="right") - 1', 'side="right") - 2', SITE),
    (site, 'side="right") - 1', 'side="left") - 1', SITE),
    (site, "math.floor(time_s[0] / HOUR_S) + 1", "math.floor(time_s[0] / HOUR_S) + 2", SITE),
    (site, "factor.at(cuts[:-1])", "factor.at(cuts[1:])", SITE),
    (site, "carbon_kg=grams / 1000", "carbon_kg=grams", SITE),
    (site, "usd = integral(time_s, node_w, self.pue, self", "usd = integral(time_s, node_w, self", SITE),
    # jobs: what counts, from when to when
    (jobs, 'return (done["end_s"] - done["submit_s"])', 'return (done["end_s"] - done["first_start_s"])', SUMMARY),
    (jobs, '(jobs["first_start_s"] - jobs["submit_s"])', '(jobs["submit_s"] - jobs["first_start_s"])', SUMMARY),
    (jobs, "met = done & (end_s <=", "met = done & (end_s >", SUMMARY),
    (jobs, "(done | (deadline_s < run_end_s))", "done", SUMMARY),
    (jobs, "share = np.minimum(1.0, num_gpus", "share = np.maximum(1.0, num_gpus", SUMMARY),
    (jobs, "- _ramp(submits, start_s)", "+ _ramp(submits, start_s)", SUMMARY),
    (jobs, 'end_s - float(jobs["submit_s"].min())', "end_s", SUMMARY),
    # resources and the summary itself
    (resources, "(len(gpus) * makespan_s)", "makespan_s", SUMMARY),
    (resources, 'jobs["done_s"] * jobs["num_gpus"]', 'jobs["done_s"]', SUMMARY),
    (summary, '"sla_violation_rate": 1 - attainment', '"sla_violation_rate": attainment', SUMMARY),
    (summary, "np.percentile(values, q)", "np.percentile(values, 100 - q)", SUMMARY),
    (summary, "node_kwh / jobs_ended if", "node_kwh * jobs_ended if", SUMMARY),
]  # fmt: skip


def functions(space: Mapping[str, Any], module: str) -> Iterator[tuple[str, FunctionType]]:
    """Functions that a module defines, methods and properties included, by their names in it."""
    for name, value in space.items():
        if isinstance(value, FunctionType) and value.__module__ == module:
            yield name, value
        elif isinstance(value, type) and value.__module__ == module:
            for own, member in vars(value).items():
                function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if isinstance(function, FunctionType) and function.__module__ == module:
                    yield f"{name}.{own}", function


@contextmanager
def mutated(module: ModuleType, old: str, new: str) -> Iterator[int]:
    """Exchange a piece of a module's source; whoever holds its functions has the changed ones. Gives their number."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{module.__name__} holds {old!r} {source.count(old)} times"
    space: dict[str, Any] = {"__name__": module.__name__}
    exec(compile(source.replace(old, new), str(module.__file__), "exec"), space)
    changed = dict(functions(space, module.__name__))
    before: dict[FunctionType, CodeType] = {}
    for name, function in functions(vars(module), module.__name__):
        if instructions(function.__code__) != instructions(changed[name].__code__):
            before[function] = function.__code__
            function.__code__ = changed[name].__code__
    try:
        yield len(before)
    finally:
        for function, code in before.items():
            function.__code__ = code


def instructions(code: CodeType) -> tuple[object, ...]:
    """What the code does, wherever it stands."""
    return code.co_code, tuple(c for c in code.co_consts if not isinstance(c, CodeType)), code.co_names


def outcome(tests: str) -> int:
    """Exit code of a session over these tests, which stops at the first that fails."""
    quiet = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    return int(pytest.main([str(HERE / tests), *quiet]))


@pytest.mark.parametrize("tests", [ENGINE, SUMMARY, SITE])
def test_the_tests_pass_without_a_mutant(tests: str) -> None:
    assert outcome(tests) == pytest.ExitCode.OK


@pytest.mark.parametrize(("module", "old", "new", "tests"), MUTANTS)
def test_a_mutant_is_caught(module: ModuleType, old: str, new: str, tests: str) -> None:
    with mutated(module, old, new) as count:
        assert count == 1
        assert outcome(tests) == pytest.ExitCode.TESTS_FAILED
