"""How good a trained network is, and what it must beat."""
