"""Measure the speed of the pipeline against a plain training loop and the limits of the machine."""
