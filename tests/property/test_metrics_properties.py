from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogh_sim.metrics import jobs as of_jobs
from gogh_sim.metrics.site import Site, integral
from gogh_sim.metrics.statistics import bin_means
from gogh_sim.series import HourlySeries

times = st.floats(0, 1e5, allow_subnormal=False)


@st.composite
def job_tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(
        st.lists(
            st.tuples(times, times, times, times | st.just(math.inf), st.sampled_from(["finished", "failed", "no"])),
            min_size=1,
            max_size=12,
        )
    )
    frame = pd.DataFrame(rows, columns=["submit_s", "wait_s", "run_s", "slack_s", "status"])
    ended = frame["status"] != "no"
    return pd.DataFrame(
        {
            "submit_s": frame["submit_s"],
            "first_start_s": (frame["submit_s"] + frame["wait_s"]).where(ended),
            "end_s": (frame["submit_s"] + frame["wait_s"] + frame["run_s"]).where(ended),
            "status": frame["status"].replace("no", "unfinished"),
            "deadline_s": frame["submit_s"] + frame["slack_s"],
            "num_gpus": 2,
            "gpu_fraction": 1.0,
            "reference_s": 1.0 + frame["run_s"],
        }
    )


@st.composite
def step_curves(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    steps = draw(st.lists(st.tuples(st.integers(0, 9000), st.floats(0, 1e4)), min_size=2, max_size=10))
    return np.cumsum([float(s) for s, _ in steps]), np.array([w for _, w in steps])


@given(job_tables(), times)
def test_attainment_is_a_share_and_falls_as_the_run_goes_on_without_them(jobs: pd.DataFrame, run_end_s: float) -> None:
    found = of_jobs.slo_attainment(jobs, run_end_s)
    later = of_jobs.slo_attainment(jobs, run_end_s + 1e6)
    assert math.isnan(found) or 0 <= found <= 1
    assert math.isnan(found) or later <= found


@given(job_tables())
def test_mean_active_equals_a_count_over_all_pairs(jobs: pd.DataFrame) -> None:
    done = jobs[of_jobs.ended(jobs)]
    begin, end = jobs["submit_s"].to_numpy(), jobs["end_s"].fillna(math.inf).to_numpy()
    expected = []
    for start_s, end_s in zip(done["submit_s"], done["end_s"], strict=True):
        overlap_s = np.clip(np.minimum(end, end_s) - np.maximum(begin, start_s), 0, None).sum()
        expected.append(overlap_s / (end_s - start_s) if end_s > start_s else 1.0)
    life_s = (done["end_s"] - done["submit_s"]).to_numpy()
    long = (life_s > 1.0) | (life_s == 0)  # lives of rounding size are quotients of rounding errors
    assert of_jobs.mean_active(jobs)[long] == pytest.approx(np.array(expected)[long], rel=1e-6)


@given(job_tables(), st.integers(1, 64), st.floats(0.1, 4))
def test_rho_is_no_less_than_jct_over_an_undivided_cluster(jobs: pd.DataFrame, num_gpus: int, speed: float) -> None:
    rho = of_jobs.finish_time_fairness(jobs, speed, num_gpus)
    done = jobs[of_jobs.ended(jobs)]
    assert (rho >= 0).all()
    assert (rho <= of_jobs.jct_s(jobs) / (done["reference_s"] / speed) * (1 + 1e-9)).all()


@given(step_curves(), st.lists(st.floats(0, 500), min_size=1, max_size=30), st.lists(st.floats(1, 3), min_size=1))
def test_site_integral_equals_a_sum_over_seconds(
    curve: tuple[np.ndarray, np.ndarray], carbon: list[float], pue: list[float]
) -> None:
    time_s, watts = curve
    seconds = np.arange(time_s[0], time_s[-1])
    held = watts[np.searchsorted(time_s, seconds, side="right") - 1]
    hours = (seconds // 3600).astype(int)
    brute = sum(w * carbon[h % len(carbon)] * pue[h % len(pue)] for w, h in zip(held, hours, strict=True))
    found = integral(time_s, watts, HourlySeries.of(carbon), HourlySeries.of(pue))
    assert found == pytest.approx(brute, rel=1e-9, abs=1e-9)


@given(step_curves(), st.floats(1, 3), st.floats(0, 1000), st.floats(0, 1))
def test_site_account_is_never_negative_and_never_below_the_nodes(
    curve: tuple[np.ndarray, np.ndarray], pue: float, carbon: float, price: float
) -> None:
    timeline = pd.DataFrame({"time_s": curve[0], "node_w": curve[1]})
    account = Site.of(pue, carbon, price).account(timeline)
    assert account.energy_kwh >= integral(*curve) / 3.6e6 * (1 - 1e-12)
    assert account.carbon_kg >= 0
    assert account.cost_usd >= 0


@given(step_curves(), st.integers(1, 20))
def test_bins_over_the_span_keep_the_integral(curve: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    time_s, value = curve
    edges_s = np.linspace(time_s[0], time_s[-1] + 1, bins + 1)
    means = bin_means(time_s, value, edges_s)
    assert float(means @ np.diff(edges_s)) == pytest.approx(integral(time_s, value), rel=1e-6, abs=1e-6)
