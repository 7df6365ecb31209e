"""How like the test images reconstructions and samples are, to the dataset's own classifier."""

from collections.abc import Iterator

import torch
from torch import Tensor

from autoencoders.classifier import ConvClassifier
from autoencoders.models import Autoencoder
from autoencoders.objectives import Objective
from autoencoders.randomness import Noise

Pairs = Iterator[tuple[Tensor, Tensor]]
CONFIDENT = 0.9  # a sample looks like a class above this predicted probability


@torch.no_grad()
def generation_metrics(
    model: Autoencoder,
    objective: Objective,
    classifier: ConvClassifier | None,
    pairs: Pairs,
    noise: Noise,
) -> dict[str, float]:
    """Return the Fréchet distances, and what the classifier sees in samples from the prior.

    `pairs` are what the encoder sees and the images. `frechet_reconstructions` is the distance
    between the classifier's features of the reconstructions and of the images,
    `frechet_prior` that of as many decoded draws from the prior, where the objective has
    one; `frechet_samples` is how many of each. The distance falls with that number, so that only
    distances of equally many compare (and none with those in the features of another network).

    Returns nothing where there is no `classifier`. See `class_metrics` for the samples.
    """
    if classifier is None:
        return {}
    real, reconstructed, samples = [], [], []
    for seen, images in pairs:
        real.append(classifier.features(images))
        reconstructed.append(classifier.features(model(seen)))
        if objective.has_prior:
            latents = noise.normal((len(images), *model.latent_shape))
            samples.append(classifier.features(model.decode(latents).sigmoid()))
    features = torch.cat(real)
    measured = {
        "frechet_samples": len(features),
        "frechet_reconstructions": frechet_distance(features, torch.cat(reconstructed)),
    }
    if not samples:
        return measured
    sampled = torch.cat(samples)
    probabilities = classifier.classes(sampled).double().softmax(1)
    distance = {"frechet_prior": frechet_distance(features, sampled)}
    return measured | distance | class_metrics(probabilities)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to features `(N, d)`.

    Heusel et al., arXiv 1706.08500, eq. 6: |μ₁ - μ₂|² + Tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), in double
    precision. The last trace is the sum of the square roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½,
    which is symmetric and has those of Σ₁Σ₂. torchmetrics has the same, and takes five seconds to
    import.
    """
    a, b = a.double(), b.double()
    first, second = a.T.cov(), b.T.cov()
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    mixed = torch.linalg.eigvalsh(root @ second @ root).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return (means + first.trace() + second.trace() - 2 * mixed).item()


def class_metrics(probabilities: Tensor) -> dict[str, float]:
    """Return `sample_confidence` and `sample_coverage` of predictions `(N, classes)`.

    Confidence is the share of samples that one class has a probability above 0.9 for. Coverage is
    the perplexity of the mean prediction over the number of classes: 1 where samples fall evenly
    on all classes, 1 / classes where all fall on one.
    """
    mean = probabilities.mean(0)
    entropy = -torch.special.xlogy(mean, mean).sum()
    return {
        "sample_confidence": (probabilities.amax(1) > CONFIDENT).double().mean().item(),
        "sample_coverage": (entropy.exp() / len(mean)).item(),
    }
