"""Datasets: downloading, packing, splitting and batching images."""
