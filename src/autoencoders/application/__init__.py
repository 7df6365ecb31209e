"""Trained variants on people's own files: what commands share and no stage uses."""
