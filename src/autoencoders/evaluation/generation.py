"""Compares reconstructions and samples with test images by the features of a classifier."""

import torch
from torch import Tensor

from autoencoders.errors import report_omission
from autoencoders.evaluation.results import Metrics
from autoencoders.evaluation.settings import Evaluation
from autoencoders.samplers.base import Sampler
from autoencoders.samplers.build import fit_sampler
from autoencoders.trained.classifier import Judge, Moments, moments
from autoencoders.trained.variant import Trained
from autoencoders.variants.classifier import ConvClassifier

MIN_CONFIDENCE = 0.9  # predicted probability above which a sample counts as confident


def measure(trained: Trained, judge: Judge | None, settings: Evaluation) -> Metrics:
    """Return the Fréchet distances, and the `class_metrics` of samples from the prior.

    All distances are between features of the classifier. `frechet_reconstructions` compares the
    reconstructions with the test images. `frechet_<sampler>` compares decoded draws of a sampler
    with the test images, for each sampler in the settings that the variant supports.
    `frechet_samples` is the number of images on each side. Distances decrease with this number:
    compare only distances with the same number and the same classifier.

    The result is empty without a classifier. Distances need at least two test images, and a fitted
    sampler needs at least two training images.
    """
    if judge is None:
        report_omission("Fréchet distances", "a dataset with one class has no classifier")
        return {}
    measured: Metrics = {}
    has_distances = len(trained.data.images("test")) > 1
    if has_distances:
        reconstructed = _features_of_reconstructions(trained, judge.classifier)
        measured = {
            "frechet_samples": len(reconstructed),
            "frechet_reconstructions": frechet_distance(judge.moments, moments(reconstructed)),
        }
    else:
        report_omission("Fréchet distances", "they need two or more test images; found 1")
    for name in dict.fromkeys(settings.samplers):
        sampler = fit_sampler(name, trained, settings.fitted_codes, settings.mixture_components)
        if sampler is None:
            continue
        sampled = _features_of_samples(trained, judge.classifier, sampler)
        if has_distances:
            measured[f"frechet_{name}"] = frechet_distance(judge.moments, moments(sampled))
        if name == "prior":
            measured |= class_metrics(judge.classifier.classes(sampled).double().softmax(1))
    return measured


def _features_of_reconstructions(trained: Trained, classifier: ConvClassifier) -> Tensor:
    """Return the classifier's features `(N, D)` of all reconstructed test images."""
    return torch.cat([classifier.features(trained.model(x)) for x, _ in trained.pairs("test")])


def _features_of_samples(trained: Trained, classifier: ConvClassifier, sampler: Sampler) -> Tensor:
    """Return the classifier's features `(N, D)` of as many samples as there are test images."""
    noise = trained.noise("test/samples")
    features = []
    for chunk in torch.arange(len(trained.data.images("test"))).split(trained.images_at_a_time):
        latents = sampler.draw(len(chunk), noise).to(trained.device)
        features.append(classifier.features(trained.model.decode(latents).sigmoid()))
    return torch.cat(features)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the squared Fréchet distance between two Gaussians, in double precision.

    |μ₁ - μ₂|² + Tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½) (Heusel et al., arXiv 1706.08500, eq. 6). The trace of
    (Σ₁Σ₂)^½ is the sum of the square roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which is symmetric
    and has the same eigenvalues as Σ₁Σ₂.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    mixed = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()
    means = (a.mean - b.mean).square().sum()
    return (means + a.covariance.trace() + b.covariance.trace() - 2 * mixed).item()


def class_metrics(probabilities: Tensor) -> dict[str, float]:
    """Return `sample_confidence` and `sample_coverage` of probabilities `(N, classes)`.

    Confidence is the share of samples with a probability above 0.9 for one class. Coverage is the
    perplexity of the mean probabilities, divided by the number of classes: 1 if all classes occur
    equally often, 1 / classes if only one class occurs.
    """
    mean = probabilities.mean(0)
    entropy = -torch.special.xlogy(mean, mean).sum()
    return {
        "sample_confidence": (probabilities.amax(1) > MIN_CONFIDENCE).double().mean().item(),
        "sample_coverage": (entropy.exp() / len(mean)).item(),
    }
