"""How like the test images reconstructions and samples are, to the dataset's own classifier."""

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

MIN_CONFIDENCE = 0.9  # a sample looks like a class above this predicted probability


def measure(trained: Trained, judge: Judge | None, settings: Evaluation) -> Metrics:
    """Return the Fréchet distances, and what the classifier sees in samples from the prior.

    `frechet_reconstructions` is the distance between the classifier's features of the
    reconstructions and of the images, `frechet_<sampler>` that of as many decoded draws of each of
    the settings' samplers that the variant has. `frechet_samples` is how many of each: the distance
    falls with that number, so that only distances of equally many compare (and none with those in
    the features of another network).

    Returns nothing where there is no classifier. See `class_metrics` for the prior's samples.
    A Gaussian takes two images: there are no distances of one test image, nor of samples from what
    was fitted to one training image.
    """
    if judge is None:
        report_omission("Fréchet distances", "images of one class have no classifier")
        return {}
    measured: Metrics = {}
    distances = len(trained.data.images("test")) > 1
    if distances:
        reconstructed = _features_of_reconstructions(trained, judge.classifier)
        measured = {
            "frechet_samples": len(reconstructed),
            "frechet_reconstructions": frechet_distance(judge.moments, moments(reconstructed)),
        }
    else:
        report_omission("Fréchet distances", "one test image has no variance")
    for name in dict.fromkeys(settings.samplers):
        sampler = fit_sampler(name, trained, settings.fitted_codes, settings.mixture_components)
        if sampler is None:
            continue
        sampled = _features_of_samples(trained, judge.classifier, sampler)
        if distances:
            measured[f"frechet_{name}"] = frechet_distance(judge.moments, moments(sampled))
        if name == "prior":
            measured |= class_metrics(judge.classifier.classes(sampled).double().softmax(1))
    return measured


def _features_of_reconstructions(trained: Trained, classifier: ConvClassifier) -> Tensor:
    """Return the classifier's features of the reconstructions of all test images."""
    return torch.cat([classifier.features(trained.model(x)) for x, _ in trained.pairs("test")])


def _features_of_samples(trained: Trained, classifier: ConvClassifier, sampler: Sampler) -> Tensor:
    """Return the classifier's features of as many samples as there are test images."""
    noise = trained.noise("test/samples")
    features = []
    for chunk in torch.arange(len(trained.data.images("test"))).split(trained.images_at_a_time):
        latents = sampler.draw(len(chunk), noise).to(trained.device)
        features.append(classifier.features(trained.model.decode(latents).sigmoid()))
    return torch.cat(features)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the squared Fréchet distance between Gaussians.

    Heusel et al., arXiv 1706.08500, eq. 6: |μ₁ - μ₂|² + Tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½), in double
    precision. The last trace is the sum of the square roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½,
    which is symmetric and has those of Σ₁Σ₂. torchmetrics has the same, and takes five seconds to
    import.
    """
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    mixed = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()
    means = (a.mean - b.mean).square().sum()
    return (means + a.covariance.trace() + b.covariance.trace() - 2 * mixed).item()


def class_metrics(probabilities: Tensor) -> dict[str, float]:
    """Return `sample_confidence` and `sample_coverage` of predictions `(N, classes)`.

    Confidence is the share of samples that one class has a probability above 0.9 for. Coverage is
    the perplexity of the mean prediction over the number of classes: 1 where samples fall evenly
    on all classes, 1 / classes where all fall on one.
    """
    mean = probabilities.mean(0)
    entropy = -torch.special.xlogy(mean, mean).sum()
    return {
        "sample_confidence": (probabilities.amax(1) > MIN_CONFIDENCE).double().mean().item(),
        "sample_coverage": (entropy.exp() / len(mean)).item(),
    }
