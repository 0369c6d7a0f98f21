"""Every reader that is fuzzed takes its seed, and answers whatever becomes of it with a result or an `InputError`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz.targets import targets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogh_sim.errors import InputError
from gogh_sim.metrics.results import _read_overrides

PIECES = [
    *(b"", b",", b"\n", b'"', b"\xff", b"\x00", b"nan", b"inf", b"-1", b"0", b"1e308", b"1e-320", b"9" * 400),
    *(
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"[" * 2000,
        b"&a [*a]",
        b": ",
        b"!!python/object:x",
        b"0223-11-15",
        b"\xef\xbb\xbf",
    ),
]
"""What fuzzers and files of users have tripped readers with."""

# Traces have properties of their own: tests/property/test_trace_fuzz.py; weights: tests/property/test_weights_fuzz.py.
NAMES = [name for name in targets() if not name.startswith("traces.") and name != "weights"]
relaxed = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def is_answered(name: str, content: bytes, folder: Path) -> bool:
    """Whether a reader gives a result, or says in a line what is wrong; whatever else it raises goes on up."""
    try:
        return targets()[name].read(content, folder) is not None
    except InputError as error:
        return len(str(error).splitlines()) == 1


@pytest.mark.parametrize("name", targets())
def test_the_seed_is_taken(name: str, tmp_path: Path) -> None:
    assert targets()[name].read(targets()[name].seed, tmp_path) is not None


@pytest.mark.parametrize("name", targets())
def test_endless_nesting_is_told(name: str, tmp_path: Path) -> None:
    assert is_answered(name, b"[" * 100_000 + targets()[name].seed, tmp_path)


def test_endless_nesting_of_overrides_is_told(tmp_path: Path) -> None:
    (tmp_path / "overrides.yaml").write_text("[" * 5_000)
    with pytest.raises(InputError, match="expected YAML"):
        _read_overrides(tmp_path / "overrides.yaml")


@pytest.mark.parametrize("name", NAMES)
@relaxed
@given(data=st.data())
def test_whatever_becomes_of_it(name: str, tmp_path: Path, data: st.DataObject) -> None:
    content = targets()[name].seed
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.sampled_from([0, 1, 2, 5, 20, 10_000]))
        content = content[:start] + data.draw(st.sampled_from(PIECES)) + content[start + length :]
    assert is_answered(name, content, tmp_path)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "rates" and name != "summary"])
@relaxed
@given(data=st.data())
def test_any_cell(name: str, tmp_path: Path, data: st.DataObject) -> None:
    separator = b": " if name == "gpu_spec" else b","
    rows = [line.split(separator) for line in targets()[name].seed.splitlines()]
    for _ in range(data.draw(st.integers(1, 3))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(
            st.sampled_from([*PIECES, b"x", b"1", b"1e12", b"0.5"])
        )
    assert is_answered(name, b"\n".join(separator.join(row) for row in rows) + b"\n", tmp_path)
