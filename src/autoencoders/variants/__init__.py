"""A variant: what the encoder sees × the network × what one update is, and all there is of each."""
