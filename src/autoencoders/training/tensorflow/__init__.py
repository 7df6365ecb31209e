"""Training under TensorFlow: the networks, objectives and optimisers in Keras.

Keras only trains. It starts from the initial weights of the PyTorch networks, and the trained
weights are copied back. Evaluation, figures and serving therefore use only PyTorch.
"""
