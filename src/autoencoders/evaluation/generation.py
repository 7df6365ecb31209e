"""How like the test images reconstructions and samples are, to the dataset's own classifier."""

from typing import TYPE_CHECKING

from autoencoders import samplers as registry
from autoencoders.errors import leave_out
from autoencoders.evaluation.metric import Answer, Metric
from autoencoders.evaluation.subject import Subject
from autoencoders.keys import AtLeastTwo, Count
from autoencoders.lazy import Tensor, torch, without_gradients
from autoencoders.samplers import SAMPLERS, SamplerName

if TYPE_CHECKING:
    from autoencoders.trained.classifier import Moments
    from autoencoders.variants.classifier import ConvClassifier

CONFIDENT = 0.9  # a sample looks like a class above this predicted probability
PRIOR = "prior"
PRIOR_ALONE: list[SamplerName] = [PRIOR]

METRICS = (
    Metric(
        "frechet_reconstructions",
        "Fréchet, reconstructions",
        "",
        "lower",
        2,
        "squared Fréchet distance of reconstructions to test images, in the features of the "
        "dataset's own classifier",
    ),
    Metric(
        "frechet_prior",
        "Fréchet, samples",
        "",
        "lower",
        2,
        "the same of decoded draws from the prior",
    ),
    *(
        Metric(
            f"frechet_{name}",
            f"Fréchet, {name}",
            "",
            "lower",
            2,
            f"the same of decoded draws from a {name} fitted to codes of training images",
        )
        for name in SAMPLERS
        if name != PRIOR
    ),
    Metric(
        "frechet_samples",
        "Fréchet, images",
        "",
        None,
        0,
        "how many images the Fréchet distances are over; they compare at the same number alone",
    ),
    Metric(
        "sample_confidence",
        "sample confidence",
        "",
        "higher",
        3,
        "share of draws from the prior that the classifier gives one class more than 0.9",
    ),
    Metric(
        "sample_coverage",
        "sample coverage",
        "",
        "higher",
        3,
        "perplexity of the classifier's mean prediction over the number of classes; 1 is even",
    ),
)


@without_gradients
def measure(
    subject: Subject,
    *,
    samplers: list[SamplerName] = PRIOR_ALONE,
    fitted_codes: AtLeastTwo = 10_000,
    mixture_components: Count = 10,
) -> Answer:
    """Return the Fréchet distances, and what the classifier sees in samples from the prior.

    `frechet_reconstructions` is the distance between the classifier's features of the
    reconstructions and of the images, `frechet_<sampler>` that of as many decoded draws of each of
    `samplers` that the variant has, where need be fitted to the first `fitted_codes` training
    images, a mixture with `mixture_components`. `frechet_samples` is how many of each: the distance
    falls with that number, so that only distances of equally many compare (and none with those in
    the features of another network).

    Returns nothing where there is no classifier. See `class_metrics` for the prior's samples.
    A Gaussian takes two images: there are no distances of one test image, nor of samples from what
    was fitted to one training image.
    """
    from autoencoders.trained.classifier import moments

    judge = subject.judge
    if judge is None:
        leave_out("Fréchet distances", "images of one class have no classifier")
        return {}
    measured: Answer = {}
    distances = len(subject.images["test"]) > 1
    if distances:
        reconstructed = _features_of_reconstructions(subject, judge.classifier)
        measured = {
            "frechet_samples": len(reconstructed),
            "frechet_reconstructions": frechet_distance(judge.moments, moments(reconstructed)),
        }
    else:
        leave_out("Fréchet distances", "one test image has no variance")
    for name in dict.fromkeys(samplers):
        sampled = _features_of_samples(
            subject, judge.classifier, name, fitted_codes, mixture_components
        )
        if sampled is None:
            continue
        if distances:
            measured[f"frechet_{name}"] = frechet_distance(judge.moments, moments(sampled))
        if name == PRIOR:
            measured |= class_metrics(judge.classifier.classes(sampled).double().softmax(1))
    return measured


def _features_of_reconstructions(subject: Subject, classifier: "ConvClassifier") -> Tensor:
    """Return the classifier's features of the reconstructions of all test images."""
    return torch.cat([classifier.features(subject.model(x)) for x, _ in subject.pairs("test")])


def _features_of_samples(
    subject: Subject,
    classifier: "ConvClassifier",
    name: SamplerName,
    fitted_codes: int,
    mixture_components: int,
) -> Tensor | None:
    """Return the classifier's features of as many samples as test images; None without samples."""
    prior = subject.assembled.objective.prior
    sampler = registry.build(name, prior, components=mixture_components)
    if sampler is None or (sampler.needs_codes and subject.assembled.model.latent_holds_input):
        return None
    if sampler.needs_codes and len(subject.images["train"]) < 2:
        leave_out(f"samples from {sampler.title}", "it cannot be fitted to one training image")
        return None
    sampler.fit(subject.codes("train", fitted_codes if sampler.needs_codes else 1))
    noise = subject.noise("samples")
    features = []
    for chunk in torch.arange(len(subject.images["test"])).split(subject.images_at_a_time):
        latents = sampler.draw(len(chunk), noise).to(subject.device)
        features.append(classifier.features(subject.model.decode(latents).sigmoid()))
    return torch.cat(features)


def frechet_distance(a: "Moments", b: "Moments") -> float:
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
        "sample_confidence": (probabilities.amax(1) > CONFIDENT).double().mean().item(),
        "sample_coverage": (entropy.exp() / len(mean)).item(),
    }
