"""The layers that models are made of: all of torch's classes; the models themselves need none."""
