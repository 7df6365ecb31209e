"""Statistics of the latents of models that have a prior and no posterior."""

import torch

from autoencoders.errors import report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.trained.variant import Trained
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, discriminate


def measure(trained: Trained) -> Metrics:
    """Return `code_mean`, `code_std` and, with a discriminator, `discriminator_accuracy`.

    The result is empty without a prior, and for a model with a posterior, which is trained to match
    the prior instead of the codes. Mean and standard deviation are over all entries of all test
    codes. The accuracy is over the test codes and an equal number of draws from the prior; it is
    0.5 if the discriminator cannot distinguish them.
    """
    prior, networks = trained.prior, trained.networks
    if prior is None or trained.model.has_posterior:
        return {}
    codes = trained.test_codes.to(trained.device)
    measured = {"code_mean": codes.double().mean().item()}
    if codes.numel() > 1:
        measured["code_std"] = codes.double().std().item()
    else:
        report_omission("the codes' standard deviation", "there is only one latent entry")
    if DISCRIMINATOR not in networks.objective:
        return measured
    correct_on_codes = discriminate(networks, codes) < 0
    draws = prior.draw(codes.shape, trained.noise("test/draws")).to(codes.device)
    correct_on_draws = discriminate(networks, draws) > 0
    correct = torch.cat([correct_on_codes, correct_on_draws]).double()
    return {"discriminator_accuracy": correct.mean().item(), **measured}
