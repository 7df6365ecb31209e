"""What a model has whose codes themselves are drawn towards a prior."""

from autoencoders.errors import leave_out
from autoencoders.evaluation.metric import Answer, Metric
from autoencoders.evaluation.subject import Subject
from autoencoders.lazy import torch, without_gradients
from autoencoders.variants.objectives.adversarial import DISCRIMINATOR, discriminate

METRICS = (
    Metric(
        "discriminator_accuracy",
        "discriminator accuracy",
        "",
        None,
        3,
        "how often the discriminator tells codes from the prior; 0.5 is guessing",
    ),
    Metric(
        "code_mean",
        "code mean",
        "",
        None,
        3,
        "mean of all code entries; a standard normal prior's is 0",
    ),
    Metric(
        "code_std",
        "code std",
        "",
        None,
        3,
        "standard deviation of all code entries; a standard normal prior's is 1",
    ),
)


@without_gradients
def measure(subject: Subject) -> Answer:
    """Return `code_mean` and `code_std`, and with a discriminator `discriminator_accuracy`.

    Nothing without a prior, and nothing for a model with a posterior, as that is what is drawn
    towards the prior there. Mean and standard deviation are over all codes' entries. The accuracy
    is over the codes of the images and as many draws from the prior; 0.5 is a discriminator that
    cannot tell them apart.
    """
    prior, networks = subject.assembled.objective.prior, subject.assembled.networks
    if prior is None or subject.assembled.model.has_posterior:
        return {}
    codes = subject.codes("test").to(subject.device)
    measured = {"code_mean": codes.double().mean().item()}
    if codes.numel() > 1:
        measured["code_std"] = codes.double().std().item()
    else:
        leave_out("the codes' standard deviation", "there is one code of one number")
    if DISCRIMINATOR not in networks.objective:
        return measured
    right_fake = discriminate(networks, codes) < 0
    drawn = prior.draw(codes.shape, subject.noise("draws")).to(codes.device)
    right_real = discriminate(networks, drawn) > 0
    right = torch.cat([right_fake, right_real]).double()
    return {"discriminator_accuracy": right.mean().item(), **measured}
