"""The training loop: what it does with images, steps, epochs and accidents."""

import math
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, distributions, nn

from autoencoders.errors import UserError
from autoencoders.inputs import INPUTS, Clean, ImageShape, Input, Noisy
from autoencoders.models import MODELS, Autoencoder, VariationalAutoencoder
from autoencoders.objectives import (
    OBJECTIVES,
    Adversarial,
    Objective,
    Reconstruction,
    Step,
    Terms,
    Variational,
)
from autoencoders.params import Training, Variant, why_impossible
from autoencoders.randomness import Noise
from autoencoders.training.loop import Row, train

Blobs = Callable[..., Tensor]

CPU = torch.device("cpu")
SHAPE = (1, 8, 8)
LR = 2e-3
ADAM = {"kind": "adam", "lr": LR, "eps": 1e-8}
RMSPROP = {"kind": "rmsprop", "lr": 3e-3, "eps": 1e-8}
MUON = {"kind": "muon", "lr": 0.02, "momentum": 0.9, "adam_lr": 2e-3, "eps": 1e-8}
ONE_CYCLE = {"kind": "one_cycle", "warmup": 0.3, "final": 0.1}
THREE_ADAMS = dict.fromkeys(("autoencoder", "discriminator", "generator"), ADAM)


def settings(epochs: int = 1, batch_size: int = 8, **changes: Any) -> Training:
    return Training.model_validate(
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizers": {"model": ADAM},
            "schedule": {"kind": "constant"},
            "initialization": "default",
            "precision": "float32",
            "ema_decay": 0.0,
            "early_stopping_patience": None,
        }
        | changes
    )


class Heard:
    """A progress that remembers, and may pull the plug at an epoch or a step."""

    def __init__(self, stop_at_epoch: int | None = None, stop_at_step: int | None = None) -> None:
        self.stop_at_epoch, self.stop_at_step = stop_at_epoch, stop_at_step
        self.steps = 0
        self.rows: list[Row] = []

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.stop_at_step:
            raise KeyboardInterrupt

    def epoch(self, row: Row, images_per_second: float) -> None:
        assert images_per_second > 0
        self.rows.append(dict(row))
        if len(self.rows) == self.stop_at_epoch:
            raise KeyboardInterrupt


class Recorded:
    """An input that remembers the batches it was given and what it made of them."""

    def __init__(self, inner: Input) -> None:
        self.inner = inner
        self.images: list[Tensor] = []
        self.seen: list[Tensor] = []

    def __call__(self, images: Tensor, noise: Noise) -> Tensor:
        seen = self.inner(images, noise)
        self.images.append(images.clone())
        self.seen.append(seen.clone())
        return seen

    def shape(self, image_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        return self.inner.shape(image_shape)

    def yardsticks(self) -> dict[str, Callable[[Tensor], Tensor]]:
        return self.inner.yardsticks()


class Told(Reconstruction):
    """Has the losses that it is told, one per update and one per validation, and learns nothing.

    Where a list has run out, its last number stays.
    """

    def __init__(self, steps: list[float] | None = None, validations: list[float] | None = None):
        super().__init__("mse")
        self.steps, self.validations = steps or [1.0], validations or [1.0]

    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        losses = self.steps if torch.is_grad_enabled() else self.validations
        value = losses.pop(0) if len(losses) > 1 else losses[0]
        terms = super().terms(model, seen, images, noise)
        return terms | {"loss": 0 * terms["loss"] + value}


def plain(latent_size: int = 3, hidden: int = 24) -> Autoencoder:
    torch.manual_seed(0)
    return MODELS["mlp_ae"](
        input_shape=SHAPE, image_shape=SHAPE, hidden=[hidden], latent_size=latent_size
    )


def convolutional() -> Autoencoder:
    torch.manual_seed(0)
    return MODELS["conv_ae"](
        input_shape=SHAPE,
        image_shape=SHAPE,
        encoder_channels=[4, 4],
        decoder_channels=[4, 4],
        upsampling="transposed",
    )


def variational() -> VariationalAutoencoder:
    torch.manual_seed(0)
    model = MODELS["mlp_vae"](input_shape=SHAPE, image_shape=SHAPE, hidden=[24], latent_size=3)
    assert isinstance(model, VariationalAutoencoder)
    return model


def adversarial(latent_size: int = 3, hidden: int = 16) -> Adversarial:
    torch.manual_seed(1)
    return Adversarial(latent_shape=(latent_size,), discriminator_hidden=[hidden, hidden])


def run(
    model: Autoencoder,
    objective: Objective,
    images: Tensor,
    validation_images: Tensor,
    training: Training,
    corruption: Input | None = None,
    progress: Heard | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
) -> list[Row]:
    return train(
        model,
        objective,
        corruption or Clean(),
        images,
        validation_images,
        training,
        seed=seed,
        name="blobs",
        device=CPU,
        progress=progress or Heard(),
        checkpoint=checkpoint,
    )


def weights(*networks: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for network in networks for p in network.parameters()]


def identical(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# --- learning


@pytest.mark.parametrize("optimizer", [ADAM, RMSPROP, MUON], ids=["adam", "rmsprop", "muon"])
def test_training_learns(blobs: Blobs, optimizer: dict[str, Any]) -> None:
    heard = Heard()
    history = run(
        plain(),
        Reconstruction("mse"),
        blobs(256),
        blobs(64, SHAPE, 1),
        settings(epochs=20, batch_size=32, optimizers={"model": optimizer}),
        progress=heard,
    )
    assert history[-1]["validation_loss"] < 0.35 * history[0]["validation_loss"]
    assert history[-1]["train_loss"] < 0.35 * history[0]["train_loss"]
    assert heard.rows == history
    assert heard.steps == 20 * 8


def test_a_row_of_the_history_says_what_one_epoch_was(blobs: Blobs) -> None:
    history = run(variational(), Variational("gaussian"), blobs(16), blobs(8), settings(epochs=2))
    terms = ["loss", "reconstruction", "kl", "mse"]
    for number, row in enumerate(history, start=1):
        assert list(row) == [
            "epoch",
            *[f"train_{name}" for name in terms],
            *["learning_rate", "gradient_norm"],
            *[f"validation_{name}" for name in terms],
        ]
        assert row["epoch"] == number
        assert row["learning_rate"] == LR


CONV = {"encoder_channels": [8], "decoder_channels": [8, 8, 8], "upsampling": "nearest"}
# One small entry of each registry, by its kind.
PARTS: dict[str, list[dict[str, Any]]] = {
    "input": [
        {"kind": "clean"},
        {"kind": "noisy", "mean": 0.5, "std": 0.3},
        {"kind": "downsampled", "factor": 2, "reduction": "bilinear"},
        {"kind": "noisy_downsampled", "factor": 4, "reduction": "average", "mean": 0.0, "std": 0.1},
    ],
    "model": [
        {"kind": "mlp_ae", "hidden": [8], "latent_size": 2},
        {"kind": "mlp_vae", "hidden": [8], "latent_size": 2},
        {"kind": "conv_ae", **CONV},
        {"kind": "conv_vae", **CONV, "latent_size": 2},
        {"kind": "super_resolution", "width": 8, "blocks": 1},
    ],
    "objective": [
        {"kind": "reconstruction", "loss": "bce"},
        {"kind": "perceptual", "pixel_loss": "bce", "pixel_weight": 1.0},
        {"kind": "variational", "likelihood": "gaussian"},
        {"kind": "adversarial", "discriminator_hidden": [4]},
    ],
}
# The pairs that make no sense, whatever the third part is, and what is said of them.
REFUSED = {
    ("clean", "super_resolution"): "is no such step: give it a downsampled input",
    ("noisy", "super_resolution"): "is no such step: give it a downsampled input",
    ("mlp_vae", "reconstruction"): "never trains a variational model's log-variance",
    ("conv_vae", "reconstruction"): "never trains a variational model's log-variance",
    ("mlp_vae", "perceptual"): "never trains a variational model's log-variance",
    ("conv_vae", "perceptual"): "never trains a variational model's log-variance",
    ("mlp_vae", "adversarial"): "never trains a variational model's log-variance",
    ("conv_vae", "adversarial"): "never trains a variational model's log-variance",
    ("mlp_ae", "variational"): "needs a variational model",
    ("conv_ae", "variational"): "needs a variational model",
    ("super_resolution", "variational"): "needs a variational model",
    ("super_resolution", "adversarial"): "cannot draw a latent that holds the input itself",
}
SENTENCES = [dict(zip(PARTS, parts, strict=True)) for parts in product(*PARTS.values())]


def test_the_sentences_below_are_made_of_every_registry_s_every_kind() -> None:
    kinds = [{part["kind"] for part in parts} for parts in PARTS.values()]
    assert kinds == [set(INPUTS), set(MODELS), set(OBJECTIVES)]


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)], ids=["grey", "colour", "large colour"]
)
@pytest.mark.parametrize(
    "sentence", SENTENCES, ids=lambda s: "-".join(p["kind"] for p in s.values())
)
def test_every_sensible_variant_trains_and_every_other_is_refused(
    sentence: dict[str, dict[str, Any]], shape: ImageShape, blobs: Blobs
) -> None:
    """Input × model × objective: any sentence of the three works, none is known by name."""
    kinds = {part["kind"] for part in sentence.values()}
    training = settings(
        batch_size=2, optimizers=THREE_ADAMS if "adversarial" in kinds else {"model": ADAM}
    )
    variant = Variant.model_validate(sentence | {"training": training.model_dump()})
    reasons = [reason for pair, reason in REFUSED.items() if kinds.issuperset(pair)]
    found = why_impossible(variant, shape)
    if reasons:
        assert found is not None
        assert any(reason in found for reason in reasons)
        return
    assert found is None
    torch.manual_seed(0)
    corruption = variant.input.build(INPUTS)
    model = variant.model.build(MODELS, input_shape=corruption.shape(shape), image_shape=shape)
    objective = variant.objective.build(
        OBJECTIVES, latent_shape=model.latent_shape, perceive=lambda images: [images]
    )
    before = weights(model, objective)
    (row,) = run(model, objective, blobs(4, shape), blobs(2, shape), training, corruption)
    assert all(map(math.isfinite, row.values()))
    assert not any(map(torch.equal, before, weights(model, objective)))


def test_the_best_epoch_s_weights_are_left(blobs: Blobs) -> None:
    # What is learnt is the opposite of what is validated, so it only gets worse after epoch 1.
    images = blobs(64)
    first, all_ten = plain(), plain()
    run(first, Reconstruction("bce"), images, 255 - images, settings(1))
    history = run(all_ten, Reconstruction("bce"), images, 255 - images, settings(10))
    losses = [row["validation_loss"] for row in history]
    assert min(losses) == losses[0] < losses[-1]
    assert len(history) == 10
    assert identical(weights(all_ten), weights(first))


def test_the_objective_s_own_networks_go_back_to_the_best_epoch_too(blobs: Blobs) -> None:
    images = blobs(64)
    networks = [(plain(), adversarial()) for _ in range(2)]
    for epochs, (model, objective) in zip((1, 5), networks, strict=True):
        training = settings(epochs, optimizers=THREE_ADAMS)
        history = run(model, objective, images, 255 - images, training)
    assert min(row["validation_loss"] for row in history) == history[0]["validation_loss"]
    assert identical(weights(*networks[0]), weights(*networks[1]))


def test_the_rate_follows_the_schedule_step_by_step(blobs: Blobs) -> None:
    cycle = {"kind": "one_cycle", "warmup": 0.5, "final": 0.0}
    training = settings(epochs=4, batch_size=4, schedule=cycle)
    history = run(plain(), Reconstruction("mse"), blobs(16), blobs(4), training)
    # 16 steps, up to the full rate at the 8th; each row has its last step's rate.
    assert [row["learning_rate"] / LR for row in history] == pytest.approx(
        [3 / 8, 7 / 8, 5 / 8, 1 / 8]
    )


def test_every_optimiser_follows_the_schedule_from_its_own_rate(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def recorded(optimizer: torch.optim.Adam, closure: None = None) -> Any:
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", recorded)
    optimizers = {
        **{"autoencoder": ADAM, "discriminator": ADAM | {"lr": 4e-3}},
        "generator": ADAM | {"lr": 8e-3},
    }
    cycle = {"kind": "one_cycle", "warmup": 0.0, "final": 0.0}
    training = settings(epochs=2, optimizers=optimizers, schedule=cycle)
    run(plain(), adversarial(), blobs(8), blobs(8), training)
    assert rates == pytest.approx([2e-3, 4e-3, 8e-3, 1e-3, 2e-3, 4e-3])


def test_the_gradient_norm_is_that_of_the_loss(blobs: Blobs) -> None:
    images, model = blobs(8), plain()
    loss = nn.functional.mse_loss(model(images / 255), images / 255)
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    expected = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    (row,) = run(model, Reconstruction("mse"), images, images, settings())
    assert row["gradient_norm"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_every_precision_trains_and_leaves_float32_weights(blobs: Blobs, precision: str) -> None:
    model = convolutional()
    training = settings(epochs=5, precision=precision)
    history = run(model, Reconstruction("bce"), blobs(64), blobs(16), training)
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("moved", "term"), [("autoencoder", "discriminator"), ("discriminator", "generator")]
)
def test_in_bfloat16_too_each_step_sees_what_the_step_before_it_has_changed(
    blobs: Blobs, moved: str, term: str
) -> None:
    still = ADAM | {"lr": 1e-9}

    def after_one_update(precision: str, lr: float) -> float:
        optimizers = dict.fromkeys(THREE_ADAMS, still) | {moved: ADAM | {"lr": lr}}
        training = settings(optimizers=optimizers, precision=precision)
        (row,) = run(plain(), adversarial(), blobs(8), blobs(8), training)
        return row[f"train_{term}"]

    moved_far, not_at_all = (after_one_update("float32", lr) for lr in (0.3, 1e-9))
    assert abs(moved_far - not_at_all) > 0.1 * not_at_all
    assert after_one_update("bfloat16", 0.3) == pytest.approx(moved_far, rel=0.02)


# --- averaging, and stopping early


class Traced(Heard):
    """Keeps the weights of some networks after each step."""

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.networks = networks
        self.trace: list[list[Tensor]] = []

    def step(self) -> None:
        super().step()
        self.trace.append(weights(*self.networks))


def test_what_is_validated_and_left_is_the_exponential_moving_average(blobs: Blobs) -> None:
    model, objective, unseen = plain(), adversarial(), blobs(16, SHAPE, 1)
    traced = Traced(model, objective)
    training = settings(epochs=3, optimizers=THREE_ADAMS, ema_decay=0.9)
    history = run(model, objective, blobs(40), unseen, training, progress=traced)
    average, after_epochs = traced.trace[0], []
    for step, now in enumerate(traced.trace[1:], start=2):
        average = [0.9 * a + 0.1 * w for a, w in zip(average, now, strict=True)]
        if step % 5 == 0:
            after_epochs.append(average)

    def validation_mse(state: list[Tensor]) -> float:
        judged = plain()
        for parameter, value in zip(judged.parameters(), state, strict=False):
            parameter.data.copy_(value)
        with torch.no_grad():
            return float((judged(unseen / 255) - unseen / 255).square().mean())

    found = [row["validation_mse"] for row in history]
    assert found == pytest.approx([validation_mse(state) for state in after_epochs], rel=1e-5)
    raw = [validation_mse(state) for state in traced.trace[4::5]]
    assert all(abs(a - b) > 1e-3 * b for a, b in zip(found, raw, strict=True))
    best = min(range(3), key=lambda epoch: history[epoch]["validation_loss"])
    torch.testing.assert_close(weights(model, objective), after_epochs[best], rtol=1e-5, atol=1e-7)


def test_averaging_leaves_the_path_of_the_training_as_it_is(blobs: Blobs) -> None:
    averaged, plainly = (Traced(plain()) for _ in range(2))
    for traced, decay in ((averaged, 0.9), (plainly, 0.0)):
        (model,) = traced.networks
        assert isinstance(model, Autoencoder)
        training = settings(epochs=2, ema_decay=decay)
        run(model, Reconstruction("bce"), blobs(16), blobs(8), training, progress=traced)
    assert all(map(identical, averaged.trace, plainly.trace))


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (2, 3), (None, 10)])
def test_training_stops_when_patience_runs_out_and_leaves_the_best_weights(
    blobs: Blobs, patience: int | None, epochs: int
) -> None:
    # What is learnt is the opposite of what is validated, so it only gets worse after epoch 1.
    images = blobs(64)
    first, stopped = plain(), plain()
    run(first, Reconstruction("bce"), images, 255 - images, settings(1))
    training = settings(10, early_stopping_patience=patience)
    history = run(stopped, Reconstruction("bce"), images, 255 - images, training)
    assert len(history) == epochs
    assert identical(weights(stopped), weights(first))


def test_patience_counts_the_epochs_in_a_row_that_did_not_lower_the_loss(blobs: Blobs) -> None:
    # The 8 after the 9 is an improvement on the last epoch, and none on the best one.
    objective = Told(validations=[8.0, 9.0, 7.0, 9.0, 8.0, 1.0])
    training = settings(6, early_stopping_patience=2)
    history = run(plain(), objective, blobs(8), blobs(8), training)
    assert [row["validation_loss"] for row in history] == [8.0, 9.0, 7.0, 9.0, 8.0]


def test_a_training_that_improves_is_never_stopped_early(blobs: Blobs) -> None:
    training = settings(10, early_stopping_patience=1)
    history = run(plain(), Reconstruction("mse"), blobs(256), blobs(64, SHAPE, 1), training)
    assert len(history) == 10


def test_a_training_that_was_stopped_early_does_not_go_on(blobs: Blobs, tmp_path: Path) -> None:
    images, models, again = blobs(64), (plain(), plain()), Heard()
    for model, heard in zip(models, (Heard(), again), strict=True):
        history = run(
            *(model, Reconstruction("bce"), images, 255 - images),
            settings(10, early_stopping_patience=2),
            progress=heard,
            checkpoint=tmp_path / "stopped.pt",
        )
        assert len(history) == 3
    assert again.rows == []
    assert identical(weights(models[0]), weights(models[1]))


# --- batches


def test_the_last_partial_batch_is_dropped_in_training_only(blobs: Blobs) -> None:
    corruption, heard = Recorded(Clean()), Heard()
    training = settings(epochs=2, batch_size=8)
    run(plain(), Reconstruction("bce"), blobs(21), blobs(13), training, corruption, heard)
    sizes = [len(batch) for batch in corruption.images]
    assert sizes == [8, 8, 13, 8, 8, 13]
    assert heard.steps == 4


def test_fewer_images_than_a_batch_are_one_batch(blobs: Blobs) -> None:
    corruption, heard = Recorded(Clean()), Heard()
    training = settings(epochs=3, batch_size=256)
    history = run(plain(), Reconstruction("bce"), blobs(5), blobs(5), training, corruption, heard)
    assert [len(batch) for batch in corruption.images] == [5] * 6
    assert heard.steps == 3
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_each_epoch_shows_every_image_once_in_a_new_order(blobs: Blobs) -> None:
    corruption, images = Recorded(Clean()), blobs(24)
    run(plain(), Reconstruction("bce"), images, blobs(1), settings(epochs=2), corruption)
    shown = [batch for batch in corruption.images if len(batch) == 8]
    first, second = torch.cat(shown[:3]), torch.cat(shown[3:])
    assert not torch.equal(first, second)
    for epoch in (first, second):
        rows = sorted(epoch.flatten(1).tolist())
        assert rows == sorted((images.float() / 255).flatten(1).tolist())


def test_a_memory_mapped_file_trains_the_same(blobs: Blobs, tmp_path: Path) -> None:
    images, models = blobs(16), (plain(), plain())
    np.save(tmp_path / "images.npy", images.numpy())
    mapped = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="c"))
    for model, source in zip(models, (images, mapped), strict=True):
        run(model, Reconstruction("bce"), source, images, settings())
    assert identical(weights(models[0]), weights(models[1]))


# --- the slips of SPEC.md


def test_slip_one_noise_tensor_reused_noise_is_fresh_per_image_step_and_epoch() -> None:
    corruption = Recorded(Noisy(mean=0.0, std=0.05))
    grey = torch.full((16, *SHAPE), 128, dtype=torch.uint8)
    run(plain(), Reconstruction("bce"), grey, grey[:4], settings(epochs=3), corruption)
    in_training = torch.cat([seen for seen in corruption.seen if len(seen) == 8])
    assert len(in_training) == 3 * 16
    # 64 pixels of independent noise: no two of the 48 images have nearly the same.
    correlations = np.corrcoef(in_training.flatten(1).numpy()) - np.eye(48)
    assert abs(correlations).max() < 0.7


def test_slip_evaluation_noise_is_the_same_in_each_epoch_and_different_for_each_image() -> None:
    corruption = Recorded(Noisy(mean=0.0, std=0.05))
    grey = torch.full((16, *SHAPE), 128, dtype=torch.uint8)
    run(plain(), Reconstruction("bce"), grey, grey[:4], settings(epochs=3), corruption)
    in_validation = [seen for seen in corruption.seen if len(seen) == 4]
    assert len(in_validation) == 3
    assert torch.equal(in_validation[0], in_validation[1])
    assert torch.equal(in_validation[0], in_validation[2])
    correlations = np.corrcoef(in_validation[0].flatten(1).numpy()) - np.eye(4)
    assert abs(correlations).max() < 0.7


class Spied(Adversarial):
    """Notes which parameters each step has changed."""

    def __init__(self) -> None:
        super().__init__(latent_shape=(3,), discriminator_hidden=[16])
        self.moved: dict[str, set[str]] = {}

    def update(
        self,
        model: Autoencoder,
        seen: Tensor,
        images: Tensor,
        noise: Noise,
        step: Step,
    ) -> Terms:
        def named() -> Iterator[tuple[str, nn.Parameter]]:
            yield from model.named_parameters()
            yield from self.named_parameters()

        def spied(name: str, losses: Tensor) -> None:
            before = {key: value.detach().clone() for key, value in named()}
            step(name, losses)
            self.moved[name] = {key for key, now in named() if not torch.equal(now, before[key])}

        return super().update(model, seen, images, noise, spied)


def test_slip_the_wrong_optimiser_steps_each_update_moves_exactly_its_own_parameters(
    blobs: Blobs,
) -> None:
    objective, model = Spied(), plain()
    run(model, objective, blobs(8), blobs(8), settings(optimizers=THREE_ADAMS))
    encoder = {name for name, _ in model.named_parameters() if name.startswith("encoder.")}
    decoder = {name for name, _ in model.named_parameters() if name.startswith("decoder.")}
    assert len(encoder) == len(decoder) == 4
    assert objective.moved == {
        "autoencoder": encoder | decoder,
        "discriminator": {name for name, _ in objective.named_parameters()},
        "generator": encoder,
    }


def test_slip_the_discriminator_never_learns_its_loss_leaves_two_log_two(blobs: Blobs) -> None:
    still = ADAM | {"lr": 1e-9}  # the others wait, so that there is something to win
    optimizers = {"autoencoder": still, "discriminator": ADAM | {"lr": 1e-2}, "generator": still}
    training = settings(8, 32, optimizers=optimizers)
    history = run(plain(), adversarial(), blobs(256), blobs(64), training)
    assert history[0]["train_discriminator"] == pytest.approx(2 * math.log(2), rel=0.1)
    assert history[-1]["train_discriminator"] < 0.5
    assert history[-1]["validation_discriminator"] < 0.5


def told_apart(codes: np.ndarray, prior: np.ndarray) -> float:
    """A classifier two-sample test: the share told apart right, 0.5 where nobody can."""
    samples = np.concatenate([codes, prior])
    origins = np.repeat([0, 1], [len(codes), len(prior)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(KNeighborsClassifier(15), samples, origins, cv=folds)
    return float(scores.mean())


def test_slip_the_discriminator_never_learns_codes_approach_the_prior(blobs: Blobs) -> None:
    model, objective = plain(latent_size=2, hidden=64), adversarial(latent_size=2, hidden=64)
    unseen = blobs(1000, SHAPE, 1)
    prior = np.random.default_rng(0).standard_normal((1000, 2))

    def codes() -> np.ndarray:
        with torch.no_grad():
            return model.encode(unseen / 255).numpy()

    at_first = codes()
    rates = {name: ADAM | {"lr": 1e-3} for name in THREE_ADAMS}
    run(model, objective, blobs(2000), unseen, settings(60, 100, optimizers=rates))
    in_the_end = codes()
    assert told_apart(at_first, prior) > 0.95
    assert told_apart(in_the_end, prior) < 0.75
    assert abs(in_the_end.mean(0)).max() < 0.4
    assert abs(in_the_end.var(0) - 1).max() < 0.4


@pytest.mark.parametrize("which", ["noisy", "variational", "adversarial"])
def test_slip_global_generators_are_neither_used_nor_touched(blobs: Blobs, which: str) -> None:
    def trained(global_seed: int, seed: int) -> list[Tensor]:
        model = variational() if which == "variational" else plain()
        objective = {
            "noisy": Reconstruction("bce"),
            "variational": Variational("gaussian"),
            "adversarial": adversarial(),
        }[which]
        optimizers = THREE_ADAMS if which == "adversarial" else {"model": ADAM}
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)  # noqa: NPY002
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
        training = settings(epochs=2, optimizers=optimizers)
        run(model, objective, blobs(16), blobs(8), training, Noisy(0.5, 0.3), seed=seed)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[index]  # noqa: NPY002
        return weights(model, objective)

    assert identical(trained(global_seed=0, seed=1), trained(global_seed=5, seed=1))
    assert not identical(trained(global_seed=0, seed=1), trained(global_seed=0, seed=2))


def test_slip_means_of_batch_means_validation_is_a_mean_over_images(blobs: Blobs) -> None:
    # More than go into one batch, and the few in the last one are white.
    images = torch.cat([blobs(1000), torch.full((37, *SHAPE), 255, dtype=torch.uint8)])
    model = plain()
    (row,) = run(model, Reconstruction("bce"), blobs(512), images, settings())
    x = images.numpy().reshape(1037, 64) / 255
    with torch.no_grad():
        y = model(images / 255).numpy().reshape(1037, 64).astype(np.float64)
    per_image = -(x * np.log(y) + (1 - x) * np.log(1 - y)).mean(1)
    assert row["validation_loss"] == pytest.approx(per_image.mean(), rel=1e-5)
    assert row["validation_mse"] == pytest.approx(((x - y) ** 2).mean(1).mean(), rel=1e-5)
    of_batches = (per_image[:1000].mean() + per_image[1000:].mean()) / 2
    assert abs(of_batches - row["validation_loss"]) > 0.01


def test_validation_kl_is_the_mean_over_images_of_the_posterior_s(blobs: Blobs) -> None:
    model, images = variational(), blobs(1037)
    (row,) = run(model, Variational("gaussian"), blobs(8), images, settings())
    with torch.no_grad():
        mean, log_variance = model.posterior(images / 255)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    kl = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1)
    assert row["validation_kl"] == pytest.approx(kl.mean().item(), rel=1e-4)


def test_train_terms_are_means_over_the_epoch_s_images(blobs: Blobs) -> None:
    still = {"model": ADAM | {"lr": 1e-12}}
    model, images = plain(), blobs(24)
    (row,) = run(model, Reconstruction("mse"), images, images, settings(optimizers=still))
    assert row["train_loss"] == pytest.approx(row["validation_loss"], rel=1e-5)


# --- accidents


class Poisoned(Reconstruction):
    """Gives NaN for one image of the n-th update."""

    def __init__(self, n: int) -> None:
        super().__init__("bce")
        self.n, self.updates = n, 0

    def update(
        self,
        model: Autoencoder,
        seen: Tensor,
        images: Tensor,
        noise: Noise,
        step: Step,
    ) -> Terms:
        self.updates += 1
        terms = self.terms(model, seen, images, noise)
        if self.updates == self.n:
            terms["loss"] = terms["loss"] * torch.tensor([math.nan] + [1.0] * (len(images) - 1))
        step("model", terms["loss"])
        return terms


@pytest.mark.parametrize(("n", "epoch"), [(4, 2), (5, 2), (6, 2), (7, 3)])
def test_a_nan_loss_stops_at_once_and_names_the_step_and_the_checkpoint(
    blobs: Blobs, tmp_path: Path, n: int, epoch: int
) -> None:
    objective, checkpoint = Poisoned(n), tmp_path / "unfinished.pt"
    heard, model = Heard(), plain()
    arguments = (model, objective, blobs(24), blobs(8), settings(9))
    with pytest.raises(UserError) as caught:
        run(*arguments, progress=heard, checkpoint=checkpoint)
    message = str(caught.value)
    assert f"at step {n} (epoch {epoch})" in message
    assert f"checkpoint of epoch {epoch - 1} is kept at {checkpoint}" in message
    assert "\n" not in message
    assert objective.updates == n  # no step more
    assert all(bool(weight.isfinite().all()) for weight in weights(model))
    # What is kept is whole, and training goes on from it.
    resumed = Heard()
    history = run(
        plain(),
        Reconstruction("bce"),
        *(blobs(24), blobs(8), settings(9)),
        progress=resumed,
        checkpoint=checkpoint,
    )
    assert history[: epoch - 1] == heard.rows
    assert len(history) == 9


def test_a_nan_loss_in_the_first_epoch_says_that_nothing_is_kept(
    blobs: Blobs, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    with pytest.raises(UserError, match=r"step 2 \(epoch 1\); nothing of it is kept"):
        run(plain(), Poisoned(2), blobs(24), blobs(8), settings(), checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize("group", list(THREE_ADAMS))
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_a_nan_in_any_of_three_updates_names_the_right_step(
    blobs: Blobs, group: str, n: int
) -> None:
    class PoisonedGame(Adversarial):
        updates = 0

        def update(
            self,
            model: Autoencoder,
            seen: Tensor,
            images: Tensor,
            noise: Noise,
            step: Step,
        ) -> Terms:
            self.updates += 1

            def poisoned(name: str, losses: Tensor) -> None:
                bad = name == group and self.updates == n
                step(name, losses * math.nan if bad else losses)

            return super().update(model, seen, images, noise, poisoned)

    objective = PoisonedGame(latent_shape=(3,), discriminator_hidden=[8])
    with pytest.raises(UserError, match=rf"at step {n} \(epoch {(n + 2) // 3}\)"):
        run(plain(), objective, blobs(24), blobs(8), settings(4, optimizers=THREE_ADAMS))


@pytest.mark.parametrize("batches", [1, 5])
def test_a_learning_rate_that_explodes_is_told_and_nothing_exploded_is_kept(
    blobs: Blobs, tmp_path: Path, batches: int
) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    explosive = settings(epochs=3, optimizers={"model": ADAM | {"lr": 1e30}})
    with pytest.raises(UserError, match=r"loss is not finite, .* lower the learning rate"):
        run(
            plain(),
            Reconstruction("bce"),
            *(blobs(8 * batches), blobs(8), explosive),
            checkpoint=checkpoint,
        )
    assert not checkpoint.exists()


@pytest.mark.parametrize(("step", "epoch"), [(2, 1), (3, 1), (4, 2)])
def test_a_loss_a_thousand_times_the_first_stops_at_once_and_names_the_step(
    blobs: Blobs, tmp_path: Path, step: int, epoch: int
) -> None:
    checkpoint, heard = tmp_path / "unfinished.pt", Heard()
    objective = Told([0.5] * (step - 1) + [501.0])
    kept = f"the checkpoint of epoch 1 is kept at {checkpoint}" if epoch > 1 else "nothing of it"
    with pytest.raises(UserError, match=rf"at step {step} \(epoch {epoch}\); {kept}"):
        run(
            *(plain(), objective, blobs(24), blobs(8), settings(3)),
            progress=heard,
            checkpoint=checkpoint,
        )
    assert heard.steps == step - 1


def test_a_loss_that_merely_rises_does_not_stop(blobs: Blobs) -> None:
    objective = Told([0.5, 5.0, 50.0, 499.0, 0.1, 499.0])
    assert len(run(plain(), objective, blobs(24), blobs(8), settings(2))) == 2


@pytest.mark.parametrize("group", list(THREE_ADAMS))
def test_each_of_three_losses_is_held_against_its_own_first_one(blobs: Blobs, group: str) -> None:
    class Game(Adversarial):
        updates = 0

        def update(
            self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise, step: Step
        ) -> Terms:
            self.updates += 1

            def told(name: str, losses: Tensor) -> None:
                first = 1.0 if name == group else 1e6
                step(
                    name, 0 * losses + first * (2000 if name == group else 1) ** (self.updates - 1)
                )

            return super().update(model, seen, images, noise, told)

    objective = Game(latent_shape=(3,), discriminator_hidden=[8])
    with pytest.raises(UserError, match=r"at step 2 \(epoch 1\)"):
        run(plain(), objective, blobs(24), blobs(8), settings(optimizers=THREE_ADAMS))


def test_after_a_resumption_the_limit_is_still_that_of_the_training_s_first_step(
    blobs: Blobs, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "unfinished.pt"

    def attempt(steps: list[float], heard: Heard) -> None:
        arguments = (plain(), Told(steps), blobs(24), blobs(8), settings(3))
        run(*arguments, progress=heard, checkpoint=checkpoint)

    with pytest.raises(KeyboardInterrupt):
        attempt([1.0, 100.0, 100.0], Heard(stop_at_epoch=1))
    with pytest.raises(UserError, match=r"at step 5 \(epoch 2\); the checkpoint of epoch 1"):
        attempt([900.0, 1001.0], Heard())
    attempt([900.0, 1.0], Heard())


Network = Callable[[], Autoencoder]
TRAININGS: dict[str, tuple[Network, Callable[[], Objective], dict[str, Any], float]] = {
    "adam": (convolutional, lambda: Reconstruction("bce"), {"model": ADAM}, 0.0),
    "rmsprop": (variational, lambda: Variational("gaussian"), {"model": RMSPROP}, 0.0),
    "muon": (convolutional, lambda: Reconstruction("mse"), {"model": MUON}, 0.0),
    "adversarial": (plain, adversarial, THREE_ADAMS, 0.0),
    "adversarial muon": (plain, adversarial, dict.fromkeys(THREE_ADAMS, MUON), 0.0),
    "averaged": (convolutional, lambda: Reconstruction("bce"), {"model": MUON}, 0.9),
    "averaged adversarial": (plain, adversarial, THREE_ADAMS, 0.9),
}


@pytest.mark.parametrize(
    ("network", "game", "optimizers", "ema_decay"), TRAININGS.values(), ids=TRAININGS
)
@pytest.mark.parametrize(
    "interruption",
    [{"stop_at_epoch": 1}, {"stop_at_epoch": 3}, {"stop_at_step": 8}, {"stop_at_step": 2}],
    ids=["after an epoch", "after three", "within the third", "within the first"],
)
def test_an_interrupted_training_ends_as_if_it_had_never_been(
    blobs: Blobs,
    tmp_path: Path,
    network: Network,
    game: Callable[[], Objective],
    optimizers: dict[str, Any],
    ema_decay: float,
    interruption: dict[str, int],
) -> None:
    training = settings(4, optimizers=optimizers, ema_decay=ema_decay, schedule=ONE_CYCLE)
    checkpoint = tmp_path / "unfinished.pt"

    def attempt(heard: Heard, checkpoint: Path | None) -> tuple[list[Row], list[Tensor]]:
        model, objective = network(), game()
        arguments = (model, objective, blobs(27), blobs(11), training, Noisy(0.5, 0.3), heard)
        history = run(*arguments, checkpoint=checkpoint)
        return history, weights(model, objective)

    history, expected = attempt(Heard(), None)
    with pytest.raises(KeyboardInterrupt):
        attempt(Heard(**interruption), checkpoint)
    heard = Heard()
    resumed_history, resumed = attempt(heard, checkpoint)
    assert identical(resumed, expected)
    assert resumed_history == history
    done_before = interruption.get("stop_at_epoch", (interruption.get("stop_at_step", 0) - 1) // 3)
    assert heard.rows == history[done_before:]  # nothing is done twice
    assert heard.steps == 4 * 3  # and the bar still counts to its end


def test_a_finished_training_is_not_done_again(blobs: Blobs, tmp_path: Path) -> None:
    checkpoint, models = tmp_path / "finished.pt", (plain(), plain())
    histories, again = [], Heard()
    for model, heard in zip(models, (Heard(), again), strict=True):
        histories.append(
            run(
                *(model, Reconstruction("bce"), blobs(24), blobs(8), settings(2)),
                progress=heard,
                checkpoint=checkpoint,
            )
        )
    assert histories[0] == histories[1]
    assert again.rows == []
    assert identical(weights(models[0]), weights(models[1]))
