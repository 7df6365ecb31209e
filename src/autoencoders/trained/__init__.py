"""What was trained, as files: a variant, and a dataset's classifier."""
