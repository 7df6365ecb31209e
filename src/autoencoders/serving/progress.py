"""How far an image is on its way through a network."""

from dataclasses import dataclass

from autoencoders.application.any_size import Geometry
from autoencoders.application.network import SIDE, Network
from autoencoders.application.picture import GREY, Picture
from autoencoders.application.tiles import tiles


@dataclass(eq=False)
class Progress:
    """A request's work, which is watched while it is done.

    Attributes:
        tiles: of its image, in all; 0 until that is known.
        through: how many of them are.
        wanted: whether somebody waits for it.
    """

    tiles: int = 0
    through: int = 0
    wanted: bool = True

    @property
    def share(self) -> float:
        """Return how much of the image is through, from 0 to 1."""
        return self.through / self.tiles if self.tiles else 0.0


def tile_count(network: Network, picture: Picture, luma: bool) -> int:
    """Return in how many tiles a picture goes through; each channel may go by itself."""
    by_itself = network.channels == GREY and not luma
    passes = len(picture.planes) if by_itself else 1
    _, height, width = network.input_shape
    one_size = Geometry(stride=1, reach=0)
    cut = tiles(picture.size, (height, width), SIDE, network.geometry or one_size)
    return passes * sum(1 for _ in cut)
