"""Policies: one a file, each built from a `PolicyContext`, each answering a view with a decision."""
