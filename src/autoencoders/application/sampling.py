"""New images from a trained variant, of codes that are drawn as its evaluation draws them."""

from collections.abc import Iterator

from autoencoders import params, randomness
from autoencoders.datasets.batches import images_at_a_time
from autoencoders.errors import UserError
from autoencoders.evaluation.settings import Evaluation
from autoencoders.images.picture import Floats
from autoencoders.samplers import SAMPLERS, build
from autoencoders.samplers.base import Sampler
from autoencoders.trained.variant import Trained

AT_A_TIME = 256  # images in memory, or fewer if they are large


def fit_sampler(name: str, trained: Trained, settings: Evaluation) -> Sampler:
    """Return a sampler of a trained variant's codes, ready to draw.

    What is fitted is fitted to the codes of as many training images, with as many components, as
    the evaluation's settings say, whose Fréchet distance is then that of what is drawn.

    Raises:
        UserError: there is no such sampler, or the variant has nothing for it to draw from.
    """
    if name not in SAMPLERS:
        raise UserError(f"--sampler: found {name!r}{params.suggestion(name, SAMPLERS)}")
    if trained.latent_holds_input:
        raise UserError(
            f"{trained.name} draws nothing new: a part of its latents is the image that it is given"
        )
    if SAMPLERS[name].needs_prior and trained.prior is None:
        fitting = [key for key, kind in SAMPLERS.items() if not kind.needs_prior]
        raise UserError(
            f"--sampler: found {name!r}, and {trained.name} has no prior, as its objective draws "
            f"latents towards none; allowed: {', '.join(fitting)}"
        )
    if SAMPLERS[name].needs_codes and len(trained.data.images("train")) < 2:
        raise UserError(f"--sampler: {name!r} is fitted to training images, and there is one")
    sampler = build.fit_sampler(name, trained, settings.fitted_codes, settings.mixture_components)
    assert sampler is not None
    return sampler


def draw_images(trained: Trained, sampler: Sampler, count: int, seed: int) -> Iterator[Floats]:
    """Yield the images `(C, H, W)` in [0, 1] of so many new codes; all randomness is the seed's."""
    noise = randomness.noise(seed, "sample")
    most = images_at_a_time(trained.image_shape, AT_A_TIME)
    for start in range(0, count, most):
        codes = sampler.draw(min(most, count - start), noise)
        yield from trained.decode(codes).numpy()
