"""How far an image is on its way through a network."""

from dataclasses import dataclass

from autoencoders.application.network import Network
from autoencoders.images.picture import GREY, Picture


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
    return passes * len(network.tiles(*picture.size))
