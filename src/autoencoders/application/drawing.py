"""New images from a trained variant, of codes that are drawn as its evaluation draws them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from autoencoders import evaluation, params, paths, randomness, samplers
from autoencoders.application.picture import Floats
from autoencoders.components import configured
from autoencoders.data.prepared import Prepared
from autoencoders.errors import UserError
from autoencoders.lazy import torch
from autoencoders.pipeline import Item
from autoencoders.samplers.base import Sampler

if TYPE_CHECKING:
    from autoencoders.trained.variant import Description
    from autoencoders.variants.assembly import Assembled

AT_A_TIME = 256  # images in memory, or fewer if they are large


def fitted(
    name: str,
    item: Item,
    description: "Description",
    assembled: "Assembled",
    device: "torch.device",
) -> Sampler:
    """Return a sampler of a trained variant's codes, ready to draw.

    What is fitted is fitted to the codes of as many training images, with as many components, as
    params.yaml has for the evaluation, whose Fréchet distance is then that of what is drawn.

    Raises:
        UserError: there is no such sampler, or the variant has nothing for it to draw from.
    """
    which, settings = f"{item.dataset}/{item.variant}", params.load().evaluation
    if name not in samplers.SAMPLERS:
        known = params.suggestion(name, samplers.SAMPLERS)
        raise UserError(f"--sampler: found {name!r}{known}")
    if assembled.model.latent_holds_input:
        raise UserError(
            f"{which} draws nothing new: a part of its latents is the image that it is given"
        )
    prior = assembled.objective.prior
    sampler = samplers.build(name, prior, components=settings.mixture_components)
    if sampler is None:
        fitting = [key for key, kind in samplers.SAMPLERS.items() if not kind.needs_prior]
        raise UserError(
            f"--sampler: found {name!r}, and {which} has no prior, as its objective draws latents "
            f"towards none; allowed: {', '.join(fitting)}"
        )
    if not sampler.needs_codes:
        sampler.fit(torch.zeros(1, *assembled.model.latent_shape))
        return sampler
    images = Prepared(paths.prepared(item.dataset)).images("train")
    if len(images) < 2:
        raise UserError(f"--sampler: {name!r} is fitted to training images, and there is one")
    subject = configured(evaluation.Subject, settings)(
        assembled,
        description.variant.input.kind,
        {"train": images},
        {},
        None,
        description.seed,
        device,
    )
    sampler.fit(subject.codes("train", settings.fitted_codes))
    return sampler


def images(
    sampler: Sampler, assembled: "Assembled", count: int, seed: int, device: "torch.device"
) -> Iterator[Floats]:
    """Yield the images `(C, H, W)` in [0, 1] of so many new codes; all randomness is the seed's."""
    from autoencoders.data.batches import images_at_a_time

    noise = randomness.noise(seed, "sample")
    most = images_at_a_time(assembled.image_shape, AT_A_TIME)
    for start in range(0, count, most):
        codes = sampler.draw(min(most, count - start), noise).to(device)
        yield from assembled.model.decode(codes).sigmoid().cpu().numpy()
