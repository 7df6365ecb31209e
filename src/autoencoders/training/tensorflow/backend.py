"""TensorFlow and Keras, imported in the order that they need.

PyTorch's compiler may load Triton. Triton and TensorFlow each contain LLVM, and the process aborts
if TensorFlow is loaded first. By default TensorFlow uses oneDNN for convolutions only on processors
with 8-bit instructions. It is faster on other processors too, so it is switched on for all.
"""

# isort: off
import os
from contextlib import suppress

with suppress(ImportError):  # PyTorch includes it only on Linux
    import triton  # noqa: F401

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # hides messages about the processor
import keras
import tensorflow as tf
# isort: on

__all__ = ["keras", "tf"]
