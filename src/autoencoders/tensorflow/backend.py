"""TensorFlow and Keras, imported after what must come before them.

PyTorch's compiler loads Triton, and that aborts the process where TensorFlow was loaded before it.
"""

# isort: off
import torch._dynamo  # noqa: F401
import keras
import tensorflow as tf
# isort: on

__all__ = ["keras", "tf"]
