"""TensorFlow and Keras, imported after what must come before them.

Triton, which PyTorch's compiler loads sooner or later, aborts the process where TensorFlow was
loaded before it: both bring an LLVM of their own. By itself TensorFlow convolves by oneDNN only
where the processor has instructions for bytes; it is as much faster on all others.
"""

# isort: off
import os
from contextlib import suppress

with suppress(ImportError):  # it comes with PyTorch on Linux alone
    import triton  # noqa: F401

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")  # what it tells of the processor
import keras
import tensorflow as tf
# isort: on

__all__ = ["keras", "tf"]
