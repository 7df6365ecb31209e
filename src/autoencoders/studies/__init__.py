"""Studies of variants on Ray: several seeds, or many settings."""
