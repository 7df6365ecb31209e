"""Stages side by side: what DVC says is to be run, in which order, in which processes."""
