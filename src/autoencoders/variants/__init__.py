"""The three parts of a variant: input × model × objective, with a registry for each."""
