"""A reproducible, experiment-tracked pipeline that trains and compares autoencoders on images."""
