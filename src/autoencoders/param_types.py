"""Types of the values in params.yaml, and of images, for the signatures of constructors."""

from typing import Annotated, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

Text: TypeAlias = Annotated[str, MinLen(1)]
Count: TypeAlias = Annotated[int, Gt(0)]
AtLeastTwo: TypeAlias = Annotated[int, Ge(2)]
Counts: TypeAlias = list[Count]
Widths: TypeAlias = Annotated[list[Count], MinLen(1)]  # of successive layers
Rate: TypeAlias = Annotated[float, Gt(0)]
Deviation: TypeAlias = Annotated[float, Gt(0)]  # a standard deviation, of pixels in [0, 1]
# One deviation for all images, or the range from which each image's deviation is drawn.
Spread: TypeAlias = Deviation | Annotated[list[Annotated[float, Ge(0)]], MinLen(2), MaxLen(2)]
Weight: TypeAlias = Annotated[float, Ge(0)]
Fraction: TypeAlias = Annotated[float, Ge(0), Lt(1)]
Share: TypeAlias = Annotated[float, Ge(0), Le(1)]
ProperFraction: TypeAlias = Annotated[float, Gt(0), Lt(1)]  # neither 0 nor 1
Levels: TypeAlias = dict[
    str, list[Annotated[float, Ge(0)]]
]  # standard deviations of noise by the kind of input

PixelLoss: TypeAlias = Literal["bce", "mse"]
Likelihood: TypeAlias = Literal["gaussian", "bernoulli"]
Activation: TypeAlias = Literal["relu", "tanh"]
Bound: TypeAlias = Literal["elbo", "iwae"]
Reduction: TypeAlias = Literal["bilinear", "bicubic", "average"]
Upsampling: TypeAlias = Literal["nearest", "bilinear", "transposed"]
Initialization: TypeAlias = Literal["default", "kaiming"]
SamplerName: TypeAlias = Literal["prior", "gaussian", "mixture"]
Framework: TypeAlias = Literal["torch", "tensorflow"]
Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]

# What to do with unreadable files and files of another size; see `image_files.ImageExtractor`.
Misfits: TypeAlias = Literal["refuse", "skip", "resize"]
Binarize: TypeAlias = Literal["dynamic", "static"]
Source: TypeAlias = Literal["official", "stand-in", "folder"]

ImageShape: TypeAlias = tuple[int, int, int]  # C, H, W
Bytes: TypeAlias = npt.NDArray[np.uint8]
