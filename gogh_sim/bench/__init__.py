"""Benchmarks: how long the engine, the placement and the estimators take, beside a yardstick of the same process."""
