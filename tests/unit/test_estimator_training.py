"""Training: better than copying, reproducible bit for bit, blind to what is held out; weights files."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from synthetic_history import GPU_TYPES, TINY, make_history, tiny_training

from gogh_sim import estimators
from gogh_sim.errors import InputError
from gogh_sim.estimators import EstimatedSource, Estimator, History, TrainingSettings, load, save, train
from gogh_sim.estimators.learning import JobFactor, assimilate
from gogh_sim.estimators.networks import ARCHITECTURES, build, parameter_count, scale_outputs
from gogh_sim.estimators.posterior import Measured
from gogh_sim.estimators.weights import VERSION
from gogh_sim.types import Job, JobKind

SHORT = dataclasses.replace(TINY, p1_steps=12, p2_steps=6, members=1, parameters=1_500)


def numbers(estimator: Estimator) -> list[np.ndarray]:
    networks = (*estimator.p1.parameters(), *estimator.p2.parameters())
    return [p.detach().numpy() for p in networks] + [estimator.doubt.covariance, np.array(estimator.doubt.pair)]


def equal(one: Estimator, other: Estimator) -> bool:
    pairs = list(zip(numbers(one), numbers(other), strict=True))
    return all(np.array_equal(a, b) for a, b in pairs)


def test_p1_beats_the_nearest_neighbour_copy_on_new_families():
    """Every family is held out once, so that no lucky neighbour decides."""
    errors = []
    for first in range(2):
        held_out = tuple(f"f{i}" for i in range(first, 14, 2))
        settings = dataclasses.replace(TINY, held_out=held_out, members=1, p2_steps=1)
        _, table = train(make_history(), settings, seed=0)
        copy, found = table["nearest-neighbour copy"], table["P1"]
        assert found.situations == copy.situations > 1000
        assert table.held_out == held_out
        errors.append([(copy.norm_mae, copy.speed_mape), (found.norm_mae, found.speed_mape)])
    of_copy, of_p1 = np.mean(errors, axis=0)
    assert (of_p1 < 0.95 * of_copy).all()


def test_p2_beats_p1_and_the_copy_where_nothing_was_tried():
    _, _, table = tiny_training()
    refined = table["P2, untried"]
    assert refined.norm_mae < 0.8 * table["P1, untried"].norm_mae
    assert refined.norm_mae < 0.8 * table["nearest-neighbour copy, untried"].norm_mae


def test_same_seed_same_weights_whatever_the_threads_and_the_global_generator():
    history = make_history()
    one, _ = train(history, SHORT, seed=3)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(999)
    torch.set_num_threads(2)
    try:
        np.random.default_rng(0).random()
        two, _ = train(history, SHORT, seed=3)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
        torch.random.set_rng_state(state)
    assert equal(one, two)
    other, _ = train(history, SHORT, seed=4)
    assert not equal(one, other)


def test_training_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    train(make_history(), SHORT, seed=3)
    assert torch.equal(before, torch.random.get_rng_state())


def scrambled(history: History, families: tuple[str, ...]) -> History:
    """The history with every number that concerns these families replaced."""
    rng = np.random.default_rng(0)
    rows = np.array([w.family in families for w in history.workloads])
    pairs = rows[:, None] | rows

    def mixed(values: np.ndarray, mask: np.ndarray, low: float, high: float) -> np.ndarray:
        return np.where(mask & np.isfinite(values), rng.uniform(low, high, values.shape), values)

    return dataclasses.replace(
        history,
        speed=mixed(history.speed, rows[:, None], 0.2, 5.0),
        norm=mixed(history.norm, pairs, 0.1, 1.0),
        power_w=mixed(history.power_w, rows[:, None], 30.0, 300.0),
        pair_power_w=mixed(history.pair_power_w, pairs, 30.0, 300.0),
    )


def test_held_out_families_never_enter_training_nor_first_beliefs():
    history = make_history()
    other = scrambled(history, SHORT.held_out)
    one, table = train(history, SHORT, seed=3)
    two, other_table = train(other, SHORT, seed=3)
    assert equal(one, two)
    assert not set(SHORT.held_out) & {w.family for w in one.record.history.workloads}
    assert table["P1"].norm_mae != other_table["P1"].norm_mae

    def first_beliefs(estimator: Estimator) -> list[np.ndarray]:
        source = EstimatedSource.refined({w.name: w for w in history.workloads}, GPU_TYPES, estimator)
        jobs = [Job(w.name, 0.0, w.name, JobKind.TRAINING, 1.0, 1.0) for w in history.workloads]
        found = source.beliefs(jobs)
        return [found.speed, found.norm, found.power_w, found.pair_power_w]

    for a, b in zip(first_beliefs(one), first_beliefs(two), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


def test_estimators_import_nothing_that_knows_the_truth():
    below = ("types", "policy", "errors", "estimators", "limits", "outputs")
    allowed = tuple(f"gogh_sim.{name}" for name in below)
    for file in sorted(Path(estimators.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(getattr(node, "level", 0) for _ in names), f"{file.name}: relative import"
            inside = [n for n in names if n.startswith("gogh_sim")]
            assert all(n.startswith(allowed) for n in inside), f"{file.name} imports {inside}"


def test_architectures_match_in_size_and_start_from_what_is_known():
    widths = (7, 5, 3)
    sizes = {name: parameter_count(build(name, widths, 2, 6_000, seed=0)) for name in ARCHITECTURES}
    assert len(sizes) == 3
    assert all(abs(size - 6_000) < 600 for size in sizes.values()), sizes
    blocks = tuple(torch.randn(4, w, generator=torch.Generator().manual_seed(0)) for w in widths)
    for name in ARCHITECTURES:
        network = build(name, widths, 2, 6_000, seed=0)
        assert torch.equal(network(blocks), torch.zeros(4, 2))
        assert any((p != q).any() for p, q in zip(
            network.parameters(), build(name, widths, 2, 6_000, seed=1).parameters(), strict=True))  # fmt: skip


def test_scaling_outputs_scales_them():
    for name in ARCHITECTURES:
        network = build(name, (4, 4), 2, 2_000, seed=0)
        last = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
        torch.nn.init.normal_(last.weight, generator=torch.Generator().manual_seed(1))
        blocks = (torch.ones(3, 4), torch.ones(3, 4))
        before = network(blocks)
        scale_outputs(network, torch.tensor([0.0, 0.5]))
        assert torch.allclose(network(blocks), before * torch.tensor([0.0, 0.5]))


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_trains_saves_and_loads(architecture: str, tmp_path: Path):
    settings = dataclasses.replace(SHORT, p1_architecture=architecture, p2_architecture=architecture, p1_steps=3)
    history = make_history(11, 1)
    estimator, _ = train(history, settings, seed=0)
    save(estimator, tmp_path / "weights.pt")
    loaded = load(tmp_path / "weights.pt")
    assert equal(estimator, loaded)
    assert loaded.architectures == (architecture, architecture)
    assert loaded.record.history.workloads == estimator.record.history.workloads
    found = loaded.estimate(history.workloads, GPU_TYPES).estimate
    assert np.array_equal(found, estimator.estimate(history.workloads, GPU_TYPES).estimate)
    assert [p.name for p in tmp_path.iterdir()] == ["weights.pt"]


def test_weights_that_do_not_match_are_refused(tmp_path: Path):
    _, estimator, _ = tiny_training()
    good = tmp_path / "good.pt"
    save(estimator, good)
    payload = torch.load(good, weights_only=True)

    def refused(name: str, changed: object, message: str) -> None:
        torch.save(changed, tmp_path / name)
        with pytest.raises(InputError, match=message) as caught:
            load(tmp_path / name)
        assert name in str(caught.value)

    refused("old.pt", payload | {"version": VERSION + 1}, f"version {VERSION}")
    refused("foreign.pt", {"weights": torch.zeros(3)}, "another torch file")
    refused("list.pt", [1, 2], "another torch file")
    refused("shape.pt", payload | {"shape": payload["shape"] | {"parameters": 99_000}}, "do not match")
    refused("name.pt", payload | {"shape": payload["shape"] | {"p1": "perceptron"}}, "perceptron")
    refused("complex.pt", payload | {"p2": {k: v.cfloat() for k, v in payload["p2"].items()}}, "real numbers")
    refused("partial.pt", {k: v for k, v in payload.items() if k != "p2"}, "do not match")


class Trap:
    """Unpickling it would call `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_files_that_are_no_weights_are_refused_and_never_run(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read"):
        load(tmp_path / "absent.pt")
    with pytest.raises(InputError, match="cannot read"):
        load(tmp_path)
    for name, content in (("empty.pt", b""), ("noise.pt", bytes(range(256)) * 9), ("zip.pt", b"PK\x03\x04rest")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"written by `gogh-sim train`"):
            load(tmp_path / name)
    torch.save(Trap(tmp_path / "sprung"), tmp_path / "trap.pt")
    with pytest.raises(InputError, match=r"written by `gogh-sim train`"):
        load(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()


def test_shipped_weights_load_and_are_small():
    estimator = load()
    assert {t.name for t in estimator.record.history.gpu_types} >= {"V100", "A100", "H100", "T4"}
    file = Path(estimators.__file__).parent / "shipped" / "calibrated.pt"
    assert file.stat().st_size < 1_000_000


def test_assimilation_by_hand():
    _, estimator, _ = tiny_training()
    catalogue = estimator.estimate(estimator.record.history.workloads, GPU_TYPES)
    t, a, b, alone = 1, 0, 4, catalogue.alone
    catalogue.estimate[t, a, alone], catalogue.variance[t, a, alone] = np.log(2.0), 0.04
    catalogue.estimate[t, a, b], catalogue.variance[t, a, b] = np.log(1.0 + 0.03), 0.16
    # Pressure 1, norm 1/2; the log norm's slope is 1.03 / 2, its variance 0.16 * 0.515^2.
    norm_variance = 0.16 * 0.515**2
    total = 0.04 + norm_variance + 0.01 + 0.0025
    measured = Measured(t, a, np.array([b]), np.ones(1), float(np.log(2.0 * 0.5) - 0.2))
    factor = assimilate(catalogue, JobFactor(0.0, 0.01), measured, noise_variance=0.0025)
    assert factor.log == pytest.approx(-0.2 * 0.01 / total)
    assert factor.variance == pytest.approx(0.01 * (1 - 0.01 / total))
    assert catalogue.estimate[t, a, alone] == pytest.approx(np.log(2.0) - 0.2 * 0.04 / total)
    assert catalogue.norm()[t, a, b] == pytest.approx(0.5 * np.exp(-0.2 * norm_variance / total))
    assert catalogue.variance[t, a, b] == pytest.approx(0.16 * (1 - norm_variance / total))


def test_settings_and_histories_too_small_are_errors():
    with pytest.raises(InputError, match="perceptron"):
        TrainingSettings(p1_architecture="perceptron")
    with pytest.raises(InputError, match="folds"):
        TrainingSettings(folds=1)
    with pytest.raises(InputError, match="p2_steps"):
        TrainingSettings(p2_steps=0)
    with pytest.raises(InputError, match="at least 4 families"):
        train(make_history(5, 2), dataclasses.replace(SHORT, held_out=("f0", "f1")), seed=0)
