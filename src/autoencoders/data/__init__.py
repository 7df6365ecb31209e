"""A dataset's packed splits, and batches of them."""
