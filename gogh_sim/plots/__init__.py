"""Figures: a result frame and an optional ``ax`` in, the ``Axes`` out; nothing here computes a result."""
