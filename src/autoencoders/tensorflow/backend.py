"""TensorFlow and Keras, imported after what must come before them.

Triton, which PyTorch's compiler loads sooner or later, aborts the process where TensorFlow was
loaded before it: both bring an LLVM of their own.
"""

# isort: off
from contextlib import suppress

with suppress(ImportError):  # it comes with PyTorch on Linux alone
    import triton  # noqa: F401
import keras
import tensorflow as tf
# isort: on

__all__ = ["keras", "tf"]
