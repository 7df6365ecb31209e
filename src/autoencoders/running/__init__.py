"""Parallel stages: which are outdated, in which order they start, and in which processes."""
