"""The same variants under TensorFlow: Keras twins of networks, objectives and optimisers.

They only train. A twin starts from the weights that PyTorch drew, and gives its own back to the
PyTorch network: what evaluates, draws and serves never learns which framework trained it.
"""
