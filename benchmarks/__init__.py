"""How fast the pipeline is, beside a plain training loop and beside the machine's own limits."""
