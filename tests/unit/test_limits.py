"""Files that claim, or unpack to, more than memory holds are refused before it is used up."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from trace_samples import SAMPLES

from gogh_sim import limits, profiles
from gogh_sim.errors import InputError
from gogh_sim.estimators import weights
from gogh_sim.profiles.gpu_spec import read_gpu_spec
from gogh_sim.profiles.own import read_measurements
from gogh_sim.traces import Sources, formats
from gogh_sim.traces.formats import FORMATS
from gogh_sim.types import MOST_GPUS, Cluster, Node

PLAIN = "submit_s,duration_s,num_gpus\n"
V100 = profiles.load().gpu_types[0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound of 1 MiB, so that files just beyond it are quickly made."""
    monkeypatch.setenv(limits.VARIABLE, "1")


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bombs are told from 256 KiB on, so that they need not be large."""
    monkeypatch.setattr(limits, "FREE_BYTES", 256 << 10)


def gz(path: Path, content: bytes) -> Path:
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(content)
    return path


@pytest.mark.parametrize("told", ["0", "-1", "x", "1.5", "", "٣"])
def test_a_bound_that_is_no_number_is_told(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(limits.VARIABLE, told)
    with pytest.raises(InputError, match="GOGH_MAX_FILE_MIB: expected a whole number of MiB"):
        limits.most_bytes()


def test_the_bound_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(limits.VARIABLE, raising=False)
    assert limits.most_bytes() == 4096 << 20
    monkeypatch.setenv(limits.VARIABLE, "3")
    assert limits.most_bytes() == 3 << 20


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_text_is_counted_as_it_is_read(name: str, tmp_path: Path, small: None) -> None:
    rows = "".join(f"{i},1,1\n" for i in range(150_000))
    path = tmp_path / name
    (gz if name.endswith(".gz") else Path.write_bytes)(path, (PLAIN + rows).encode())
    with pytest.raises(InputError, match=r"expected at most 1 MiB of content, found more; GOGH_MAX_FILE_MIB"):
        formats.read("plain", path)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_bomb_stops_every_reader(form: str, tmp_path: Path, strict: None) -> None:
    sample = next(sample for sample in SAMPLES.values() if sample.format == form)
    sources = sample.put(tmp_path)
    line = (sample.text.splitlines()[-1] + "\n").encode()
    bomb = sample.text.encode() + line * (limits.FREE_BYTES // len(line) + 500)
    gz(sources.jobs, b"[\n" + b"\n" * len(bomb) if form == "philly" else bomb)
    assert sources.jobs.stat().st_size * limits.LARGEST_RATIO < len(bomb)
    with pytest.raises(InputError, match=f"found more than {limits.LARGEST_RATIO} times what the file takes packed"):
        FORMATS[form].read(Sources(sources.jobs, None, sources.throughputs))


def test_what_packs_well_without_being_a_bomb_is_read(tmp_path: Path) -> None:
    rows = "".join(f"{i},3600,1\n" for i in range(20_000))
    assert len(formats.read("plain", gz(tmp_path / "t.csv.gz", (PLAIN + rows).encode())).jobs) == 20_000


ENDLESS = {
    "line": (PLAIN + "0" * (2 << 20), "expected lines of at most 1 MiB"),
    "row": (PLAIN + '"\n","\n",' * 1000, "expected rows over at most 1000 lines"),
    "header": (",".join(f"c{i}" for i in range(1001)) + "\n", "expected at most 1000 columns, found 1001"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_lines_rows_and_headers(what: str, tmp_path: Path) -> None:
    text, message = ENDLESS[what]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        formats.read("plain", tmp_path / "t.csv")


def test_an_array_in_one_line_is_read_and_an_endless_element_is_not(tmp_path: Path) -> None:
    record = json.loads(SAMPLES["philly"].text)[0]
    records = [record | {"jobid": f"application_{i}"} for i in range(5000)]
    path = tmp_path / "one_line.json"
    path.write_text(json.dumps(records))
    assert path.stat().st_size > limits.LONGEST_LINE
    assert formats.guess(path) == "philly"
    assert len(formats.read("philly", path).jobs) == 5000
    path.write_text(json.dumps([record | {"x": "y" * (5 << 20)}]))
    with pytest.raises(InputError, match="expected elements of at most"):
        formats.read("philly", path)


def test_lines_of_elements_are_told_across_windows(tmp_path: Path) -> None:
    record = json.loads(SAMPLES["philly"].text)[0]
    texts = [json.dumps(record | {"jobid": f"j{i}"}, indent=1) for i in range(2000)]
    bad = len(texts) - 3
    texts[bad] = texts[bad].replace('"Pass"', '"Nope"').replace('"Failed"', '"Nope"').replace('"Killed"', '"Nope"')
    text = "[\n" + ",\n".join(texts) + "\n]\n"
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(InputError) as caught:
        formats.read("philly", tmp_path / "t.json")
    assert caught.value.line == 2 + sum(t.count("\n") + 1 for t in texts[:bad])


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def repeated(value: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([value]))


PARQUET_BOMBS: dict[str, Callable[[Path], Path]] = {
    "one_text_many_times": lambda p: parquet(p, submit_s=np.zeros(100_000), user=repeated("x" * 10_000, 100_000)),
    "one_number_many_times": lambda p: parquet(p, submit_s=np.zeros(1_000_000)),
    "one_flag_many_times": lambda p: parquet(p, submit_s=pa.array(np.zeros(2_000_000, dtype=np.bool_))),
}


@pytest.mark.parametrize("bomb", PARQUET_BOMBS)
def test_a_parquet_bomb_is_refused(bomb: str, tmp_path: Path, strict: None) -> None:
    path = PARQUET_BOMBS[bomb](tmp_path / "bomb.parquet")
    with pytest.raises(InputError, match="found more"):
        formats.read("plain", path)


def test_parquet_keeps_to_the_bound_that_is_set(tmp_path: Path, small: None) -> None:
    path = parquet(tmp_path / "t.parquet", submit_s=np.random.default_rng(0).random(200_000))
    with pytest.raises(InputError, match="expected at most 1 MiB"):
        formats.read("plain", path)


def archive(path: Path, **changes: object) -> Path:
    """The shipped weights with some of their content exchanged."""
    with weights.resources.as_file(weights.resources.files("gogh_sim.estimators") / "shipped/calibrated.pt") as file:
        payload = torch.load(file, weights_only=True)
    for name, value in changes.items():
        payload[name] = {**payload[name], **value} if isinstance(value, dict) else value
    torch.save(payload, path)
    return path


def test_weights_whose_numbers_stand_for_many_are_refused(tmp_path: Path) -> None:
    many = torch.zeros(1).expand(10**9)
    with pytest.raises(InputError, match="expected at most 256 MiB of content"):
        weights.load(archive(tmp_path / "w.pt", doubt={"covariance": many}))


@pytest.mark.parametrize(
    "shape", [{"p1_members": 10**9}, {"parameters": 10**12}, {"p2_members": 0}, {"parameters": 2.5}, {"p1_members": []}]
)
def test_weights_that_name_endless_networks_are_refused(shape: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"expected {next(iter(shape))} from 1 to"):
        weights.load(archive(tmp_path / "w.pt", shape=shape))


def test_packed_or_old_archives_are_no_weights(tmp_path: Path) -> None:
    whole = archive(tmp_path / "w.pt")
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(tmp_path / "p.pt", "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    with pytest.raises(InputError, match="found a packed archive"):
        weights.load(tmp_path / "p.pt")
    torch.save({"format": weights.FORMAT}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match="found something else"):
        weights.load(tmp_path / "old.pt")


def test_weights_never_run_code(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save({"format": weights.FORMAT, "version": weights.VERSION, "words": Trap()}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="found something else"):
        weights.load(tmp_path / "w.pt")
    assert not (tmp_path / "ran").exists()


def test_a_claim_of_ten_gigabytes_is_refused(tmp_path: Path) -> None:
    """The archive's list of contents says so; the file itself is small."""
    path = tmp_path / "w.pt"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("archive/data.pkl", b"x" * 100)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 20 : entry + 28] = (0xFFFFFFF0).to_bytes(4, "little") * 2  # both sizes, 4 GiB less 16 bytes
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="expected at most 256 MiB of content"):
        weights.load(path)


SPEC = "gpu_type: X\nvariant: X\nmemory_gib: 1\ntdp_w: 3\nidle_bare_w: 1\nidle_context_w: 1\nfp32_tflops: 1\n"
SPEC += "fp16_tflops: 1\nhost_base_w: 1\nhost_slope: 1\n"
LAUGHS = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'ha'] * 9)}]\n" for i in range(12))
SPECS = {
    "laughs": (LAUGHS + "gpu_type: *a11\n", "expected keys among"),
    "text_of_laughs": ("gpu_type: &a [x, *a]\n", "expected text, found a list"),
    "digits": (SPEC + "bandwidth_gbps: " + "9" * 5000, "expected YAML"),
    "infinite": (SPEC + "bandwidth_gbps: .inf\n", "expected a number of at least 0, found inf"),
    "no_number": (SPEC + "bandwidth_gbps: .nan\n", "expected a number of at least 0, found nan"),
    "date": ("gpu_type: 2001-99-99\n", "expected YAML"),
    "deep": ("gpu_type: " + "[" * 5_000, "expected YAML"),
    "code": ("gpu_type: !!python/object/apply:os.getcwd []\n", "expected YAML"),
    "bytes": (b"\xff\xfe\x00", "expected YAML"),
    "large": ("#" * (1 << 20) + "\n", "expected at most 1 MiB"),
}


@pytest.mark.parametrize("name", SPECS)
def test_a_gpu_type_that_would_fill_memory_or_is_none(name: str, tmp_path: Path) -> None:
    content, message = SPECS[name]
    path = tmp_path / "x.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=message) as caught:
        read_gpu_spec(path)
    assert len(str(caught.value)) < 1000


def test_measurements_and_tables_keep_to_the_bound(tmp_path: Path, small: None) -> None:
    (tmp_path / "own.csv").write_text("#" * (2 << 20))
    with pytest.raises(InputError, match="expected at most 1 MiB"):
        read_measurements(tmp_path / "own.csv")
    (tmp_path / "gpu_types.csv").write_text("#" * (2 << 20))
    with pytest.raises(InputError, match="expected at most 1 MiB"):
        profiles.load(str(tmp_path))


def test_a_cluster_beyond_reason_is_a_slip() -> None:
    with pytest.raises(InputError, match="expected at most 1000000 GPUs, found 1000001"):
        Cluster("c", (V100,), (Node("n", V100.name, MOST_GPUS), Node("m", V100.name, 1)))


def test_a_gigabyte_in_a_megabyte_takes_little_memory(tmp_path: Path) -> None:
    """In a process of its own, whose memory the system limits to less than the bomb."""
    row = b"0,1,1," + b"x" * 1000 + b"\n"
    bomb = tmp_path / "bomb.csv.gz"
    # A file of many gzip members is one text; the same one again need not be packed again.
    member = gzip.compress(row * (1 << 14), compresslevel=1, mtime=0)
    bomb.write_bytes(gzip.compress(PLAIN.replace("\n", ",user\n").encode(), mtime=0) + member * (1 << 6))
    assert bomb.stat().st_size < 8 << 20
    limit = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (2 << 30, 2 << 30)); "
    read = f"from gogh_sim.traces import read; read('plain', {str(bomb)!r})"
    done = subprocess.run([sys.executable, "-c", limit + read], capture_output=True, text=True, check=False)
    assert "InputError" in done.stderr
    assert "times what the file takes packed" in done.stderr
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert peak < 1500, f"{peak:.0f} MiB"


WRONG_WEIGHTS = {
    "expected finite weights": {"p2": "nan"},
    "doubt: expected a finite covariance of shape": {"doubt": {"covariance": torch.full((12, 12), torch.nan)}},
    "doubt: expected a variance of pairs": {"doubt": {"pair": -1.0}},
    "words: expected text": {"words": [["image"]]},
    "encoder: expected finite numbers": {"encoder": {"scale": torch.full((6,), torch.inf)}},
    "batch_size: expected a number": {"history": "batch_size"},
}


@pytest.mark.parametrize("message", WRONG_WEIGHTS)
def test_weights_that_are_no_numbers_are_refused(message: str, tmp_path: Path) -> None:
    changes = dict(WRONG_WEIGHTS[message])
    whole = torch.load(archive(tmp_path / "whole.pt"), weights_only=True)
    if "p2" in changes:
        name = next(iter(whole["p2"]))
        changes["p2"] = {name: torch.full_like(whole["p2"][name], torch.nan)}
    if "history" in changes:
        first, *others = whole["history"]["workloads"]
        changes["history"] = {"workloads": [first | {"batch_size": "many"}, *others]}
    with pytest.raises(InputError, match=message):
        weights.load(archive(tmp_path / "w.pt", **changes))
