"""Trace-driven simulator of heterogeneous GPU clusters with the GOGH scheduling policy."""
