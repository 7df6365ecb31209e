"""A picture of what networks make of a few validation images, for each epoch of a training."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.datasets.prepared import Prepared
from autoencoders.param_types import Bytes
from autoencoders.trained.pairs import pairs
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import assemble

COUNT = 8  # images; fewer if they are large
MAX_WIDTH = 512  # of the picture in pixels; MLflow's page does not enlarge it


class Examples:
    """The first validation images of a dataset, as encoder inputs with noise of their own.

    A copy of the networks draws them, without the random numbers of the training.
    """

    def __init__(self, variant: Variant, data: Prepared, seed: int) -> None:
        shape = data.metadata.image_shape
        count = min(COUNT, max(1, MAX_WIDTH // shape[2]))
        with torch.device("meta"):
            assembled = assemble(variant, shape)
        self.networks = assembled.networks.to_empty(device="cpu").eval()
        images = data.images("validation")[:count]
        [(self.inputs, _)] = pairs(assembled.input, images, seed, "validation", count)

    @torch.no_grad()
    def draw(self, weights: Mapping[str, Tensor]) -> Bytes:
        """Return a row of encoder inputs above the outputs of networks with these weights.

        Weights have any shape; the picture is uint8 `(H, W, C)`. Small images are enlarged.
        """
        self.networks.load_state_dict(weights)
        outputs = self.networks.model(self.inputs)
        inputs = F.interpolate(self.inputs.clamp(0, 1), outputs.shape[2:])
        rows = torch.cat([torch.cat([*images], 2) for images in (inputs, outputs)], 1)
        pixels = (255 * rows).round().byte().permute(1, 2, 0).numpy()
        factor = max(1, MAX_WIDTH // pixels.shape[1])
        return pixels.repeat(factor, 0).repeat(factor, 1)
