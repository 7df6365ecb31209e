"""What a model has whose codes themselves are drawn towards a prior."""

import torch

from autoencoders.errors import report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.trained.variant import Trained
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, discriminate


def measure(trained: Trained) -> Metrics:
    """Return `code_mean` and `code_std`, and with a discriminator `discriminator_accuracy`.

    Nothing without a prior, and nothing for a model with a posterior, as that is what is drawn
    towards the prior there. Mean and standard deviation are over all codes' entries. The accuracy
    is over the codes of the images and as many draws from the prior; 0.5 is a discriminator that
    cannot tell them apart.
    """
    prior, networks = trained.prior, trained.networks
    if prior is None or trained.model.has_posterior:
        return {}
    codes = trained.test_codes.to(trained.device)
    measured = {"code_mean": codes.double().mean().item()}
    if codes.numel() > 1:
        measured["code_std"] = codes.double().std().item()
    else:
        report_omission("the codes' standard deviation", "there is one code of one number")
    if DISCRIMINATOR not in networks.objective:
        return measured
    right_fake = discriminate(networks, codes) < 0
    drawn = prior.draw(codes.shape, trained.noise("test/draws")).to(codes.device)
    right_real = discriminate(networks, drawn) > 0
    right = torch.cat([right_fake, right_real]).double()
    return {"discriminator_accuracy": right.mean().item(), **measured}
