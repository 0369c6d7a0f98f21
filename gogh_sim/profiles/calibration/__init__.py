"""Derivation of the shipped profile tables from public measurements; one module per law."""
