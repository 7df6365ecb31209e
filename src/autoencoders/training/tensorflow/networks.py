"""The networks as Keras models, like those of PyTorch; images are channels-last, `(N, H, W, C)`.

A layer is named as PyTorch names its twin, which is how weights find their way: see `weights`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import nn

from autoencoders.keys import ImageShape, Upsampling
from autoencoders.training.tensorflow.backend import keras
from autoencoders.variants.models.convolutional import ConvAE, ConvDecoder
from autoencoders.variants.models.mlp import MlpAE, MlpVAE, Unflattened


@dataclass(frozen=True)
class Twin:
    """An autoencoder in Keras.

    Attributes:
        encoder: from what is seen to the latent, or with a posterior to its mean and log-variance.
        decoder: from the latent to the image's logits.
    """

    encoder: Any
    decoder: Any

    def whole(self) -> Any:
        """Return one model, from what is seen to the reconstruction in [0, 1]."""
        seen = keras.Input(self.encoder.input_shape[1:], name="seen")
        encoded = self.encoder(seen)
        latent = encoded[0] if isinstance(encoded, list | tuple) else encoded
        reconstruction = keras.layers.Activation("sigmoid", dtype="float32")(self.decoder(latent))
        return keras.Model(seen, reconstruction, name="autoencoder")


def conv_ae(model: ConvAE, input_shape: ImageShape) -> Twin:
    """Return the twin of a `ConvAE`."""
    return Twin(
        _conv_encoder("model.encoder", _last(input_shape), model.encoder),
        _conv_decoder("model.decoder", _last(model.latent_shape), model.decoder),
    )


def mlp_ae(model: MlpAE, input_shape: ImageShape) -> Twin:
    """Return the twin of an `MlpAE`."""
    seen = keras.Input(_last(input_shape))
    return Twin(
        keras.Model(seen, _linear("model.encoder", _vectors(seen), _widths(model.encoder))),
        _linear_decoder(model.latent_shape, model.decoder),
    )


def mlp_vae(model: MlpVAE, input_shape: ImageShape) -> Twin:
    """Return the twin of an `MlpVAE`."""
    seen = keras.Input(_last(input_shape))
    linear = _linear("model.encoder", _vectors(seen), _widths(model.encoder))
    features = keras.layers.ReLU()(linear)
    mean, log_variance = (
        keras.layers.Dense(model.latent_shape[0], name=f"model.{name}")(features)
        for name in ("mean", "log_variance")
    )
    return Twin(
        keras.Model(seen, [mean, log_variance]),
        _linear_decoder(model.latent_shape, model.decoder),
    )


def discriminator(latent_shape: Sequence[int], widths: Sequence[int]) -> Any:
    """Return the network that tells latents from the prior's draws, to one logit each."""
    latent = keras.Input(_last(latent_shape))
    return keras.Model(
        latent, _linear("objective.discriminator", _vectors(latent), widths), name="discriminator"
    )


def _conv_encoder(name: str, input_shape: tuple[int, ...], encoder: nn.Module) -> Any:
    seen = x = keras.Input(input_shape)
    for index, layer in enumerate(_convolutions(encoder)):
        convolution = keras.layers.Conv2D(
            layer.out_channels, 3, padding="same", name=f"{name}.convolutions.{index}"
        )
        x = convolution(x)
        # An odd size is padded before its first pixel; with zeros, as a ReLU follows.
        x = keras.layers.ZeroPadding2D(((x.shape[1] % 2, 0), (x.shape[2] % 2, 0)))(x)
        x = keras.layers.ReLU()(keras.layers.MaxPooling2D(2)(x))
    return keras.Model(seen, x)


def _conv_decoder(name: str, latent_shape: tuple[int, ...], decoder: nn.Module) -> Any:
    assert isinstance(decoder, ConvDecoder)
    latent = x = keras.Input(latent_shape)
    for index, layer in enumerate(_convolutions(decoder.convolutions)):
        filters = layer.out_channels
        x = keras.layers.ZeroPadding2D(layer.padding)(x)
        convolution = keras.layers.Conv2D(filters, 3, name=f"{name}.convolutions.{index}")
        x = keras.layers.ReLU()(convolution(x))
        x = _doubling(f"{name}.doublings.{index}", filters, decoder.upsampling)(x)
    channels = decoder.to_image.out_channels
    x = keras.layers.Conv2D(channels, 3, padding="same", name=f"{name}.to_image")(x)
    height, width = decoder.image_size
    too_large = (x.shape[1] - height, x.shape[2] - width)
    return keras.Model(latent, keras.layers.Cropping2D(tuple((0, n) for n in too_large))(x))


def _convolutions(layers: nn.Module) -> list[nn.Conv2d]:
    return [layer for layer in layers.modules() if isinstance(layer, nn.Conv2d)]


def _widths(layers: nn.Module) -> list[int]:
    """Return how many numbers each linear layer gives."""
    return [layer.out_features for layer in layers.modules() if isinstance(layer, nn.Linear)]


def _doubling(name: str, filters: int, upsampling: Upsampling) -> Any:
    if upsampling == "transposed":
        return keras.layers.Conv2DTranspose(filters, 2, strides=2, name=name)
    return keras.layers.UpSampling2D(2, interpolation=upsampling)


def _linear_decoder(latent_shape: tuple[int, ...], decoder: nn.Module) -> Any:
    assert isinstance(decoder, Unflattened)
    latent = keras.Input(latent_shape)
    vectors = _linear("model.decoder", latent, _widths(decoder))
    pixels = keras.layers.Reshape(decoder.image_shape)(vectors)
    return keras.Model(latent, keras.layers.Permute((2, 3, 1))(pixels))


def _linear(name: str, x: Any, widths: Sequence[int]) -> Any:
    """Put linear layers on `x`, with a ReLU between each two, which PyTorch counts too."""
    for index, width in enumerate(widths):
        x = keras.layers.ReLU()(x) if index else x
        x = keras.layers.Dense(width, name=f"{name}.{2 * index}")(x)
    return x


def _vectors(x: Any) -> Any:
    """Return maps `(N, H, W, C)` as vectors in PyTorch's order; vectors as they are."""
    if len(x.shape) == 2:
        return x
    return keras.layers.Reshape((prod(x.shape[1:]),))(keras.layers.Permute((3, 1, 2))(x))


def _last(shape: Sequence[int]) -> tuple[int, ...]:
    """Return `(C, H, W)` as `(H, W, C)`; the length of a vector as it is."""
    return (*shape[1:], shape[0])


NETWORKS: dict[type, Callable[..., Twin]] = {
    ConvAE: conv_ae,
    MlpAE: mlp_ae,
    MlpVAE: mlp_vae,
}
