"""New images from a trained variant, with the samplers of its evaluation."""

from collections.abc import Iterator

from autoencoders import params, randomness
from autoencoders.application.find_variant import load
from autoencoders.datasets.batches import images_at_a_time
from autoencoders.errors import UserError, suggestion
from autoencoders.evaluation.settings import Evaluation
from autoencoders.images.picture import Floats
from autoencoders.samplers import SAMPLERS, build
from autoencoders.samplers.base import Sampler
from autoencoders.trained.variant import Trained

BATCH = 256  # images in memory, or fewer if they are large


def draw_images(requested: str, name: str, count: int, seed: int) -> Iterator[Floats]:
    """Return an iterator over `count` new images `(C, H, W)`, float32 in [0, 1].

    `requested` is a trained variant, and `name` a sampler. `seed` determines the images.

    Raises:
        UserError: the variant is not trained, or the sampler is unknown or cannot draw from it.
    """
    settings = params.load().evaluation
    trained = load(requested, settings.batch_size)
    sampler, noise = _fit_sampler(name, trained, settings), randomness.noise(seed, "sample")
    batch_size = images_at_a_time(trained.image_shape, BATCH)
    batches = (min(batch_size, count - start) for start in range(0, count, batch_size))
    return (
        image for size in batches for image in trained.decode(sampler.draw(size, noise)).numpy()
    )


def _fit_sampler(name: str, trained: Trained, settings: Evaluation) -> Sampler:
    """Return a sampler that is fitted to a trained variant's codes.

    It has the settings of the evaluation, so the evaluation's Fréchet distance applies to it.

    Raises:
        UserError: the sampler is unknown, or cannot draw from this variant.
    """
    if name not in SAMPLERS:
        raise UserError(f"--sampler: found {name!r}{suggestion(name, SAMPLERS)}")
    if trained.latent_holds_input:
        raise UserError(
            f"{trained.name} cannot draw new images, because its latents contain the encoder "
            "input: choose another variant"
        )
    if SAMPLERS[name].needs_prior and trained.prior is None:
        allowed = [key for key, kind in SAMPLERS.items() if not kind.needs_prior]
        raise UserError(
            f"--sampler: found {name!r}, but the objective of {trained.name} has no prior; "
            f"allowed: {', '.join(allowed)}"
        )
    if SAMPLERS[name].needs_codes and len(trained.data.images("train")) < 2:
        raise UserError(f"--sampler: found {name!r} for one training image; allowed: prior")
    sampler = build.fit_sampler(name, trained, settings.fitted_codes, settings.mixture_components)
    assert sampler is not None
    return sampler
