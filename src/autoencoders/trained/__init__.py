"""Trained variants and classifiers: saving and loading."""
