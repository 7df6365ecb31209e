"""Where a dataset's files come from, and its splits on disk."""
