"""Statistics of the latents of models that have a prior and no posterior."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.errors import report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.randomness import generator, seeded_initialisation
from autoencoders.trained.variant import Trained
from autoencoders.variants.models.mlp import linear_layers
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, discriminate

FRESH_HIDDEN = [500, 500, 500, 500]  # the discriminator of Makhzani et al., arXiv 1511.05644
FRESH_STEPS, FRESH_BATCH, FRESH_RATE = 300, 500, 1e-3


def measure(trained: Trained) -> Metrics:
    """Return `code_mean`, `code_std`, `fresh_accuracy` and, with one, `discriminator_accuracy`.

    The result is empty without a prior, and for a model with a posterior, which is trained to match
    the prior instead of the codes. Mean and standard deviation are over all entries of all test
    codes. The accuracies are those of `two_sample_accuracy` and of the variant's discriminator,
    over the test codes and an equal number of draws from the prior; they are 0.5 if codes and draws
    have the same distribution.
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
    draws = prior.draw(codes.shape, trained.noise("test/draws")).to(codes.device)
    if len(codes) > 1:
        seed = trained.description.seed
        measured["fresh_accuracy"] = two_sample_accuracy(codes.flatten(1), draws.flatten(1), seed)
    else:
        report_omission("the accuracy of a fresh discriminator", "there is only one test image")
    if DISCRIMINATOR not in networks.objective:
        return measured
    correct_on_codes = discriminate(networks, codes) < 0
    correct_on_draws = discriminate(networks, draws) > 0
    correct = torch.cat([correct_on_codes, correct_on_draws]).double()
    return {"discriminator_accuracy": correct.mean().item(), **measured}


def two_sample_accuracy(codes: Tensor, draws: Tensor, seed: int) -> float:
    """Return the accuracy of a new discriminator of codes and draws, each `(N, d)`.

    A classifier two-sample test (Lopez-Paz & Oquab, arXiv 1610.06545): the discriminator trains on
    every second row of both for 300 steps, and the other rows measure its accuracy.
    """
    with seeded_initialisation(seed, "fresh discriminator"):
        widths = [codes.shape[1], *FRESH_HIDDEN, 1]
        network = nn.Sequential(*linear_layers(widths)).to(codes.device)
    optimizer = torch.optim.Adam(network.parameters(), FRESH_RATE)
    order = generator(seed, "fresh discriminator/order")
    vectors = torch.cat([codes[::2], draws[::2]])
    is_draw = torch.arange(len(vectors), device=codes.device) >= len(codes[::2])
    with torch.enable_grad():
        for _ in range(FRESH_STEPS):
            rows = torch.randint(len(vectors), (FRESH_BATCH,), generator=order).to(codes.device)
            logits = network(vectors[rows]).squeeze(1)
            loss = F.binary_cross_entropy_with_logits(logits, is_draw[rows].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        correct = torch.cat([network(codes[1::2]) < 0, network(draws[1::2]) > 0])
    return correct.double().mean().item()
