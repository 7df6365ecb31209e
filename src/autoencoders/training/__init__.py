"""The training loop, optimisers, learning-rate schedules and checkpoints."""
