"""The layers that models are made of: the models themselves need no torch."""
