"""The networks as Keras models, with images `(N, H, W, C)`.

Keras layers have the names of the PyTorch layers, because weights are copied by name.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import nn

from autoencoders.training.tensorflow.backend import keras
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.models.base import VariationalAutoencoder
from autoencoders.variants.models.convolutional import ConvDecoder, ConvEncoder, DoublingConv
from autoencoders.variants.models.refinement import Corrected, ResidualBlock

# Axes from Keras to PyTorch: convolution (H, W, I, O) to (O, I, H, W), transposed convolution
# (H, W, O, I) to (I, O, H, W), linear layer (I, O) to (O, I).
ORDERS = {4: (3, 2, 0, 1), 2: (1, 0)}


def keras_networks(assembled: Assembled) -> dict[str, keras.Model]:
    """Return a variant's networks by name: `encoder`, `decoder`, and those of the objective.

    The encoder returns the latents, or the mean and log-variance of the posterior. The decoder
    returns image logits. The objective's networks take latents. Only latents can be bfloat16.
    """
    model = assembled.model
    image, latent = _input(assembled.input_shape), _input(model.latent_shape)
    encoded = _apply(model.encoder, "model.encoder", image)
    if isinstance(model, VariationalAutoencoder):
        heads = {"model.mean": model.mean, "model.log_variance": model.log_variance}
        encoded = [_float32(_apply(head, name, encoded)) for name, head in heads.items()]
    decoded = _apply(model.decoder, "model.decoder", latent)
    others = {
        name: keras.Model(latent, _float32(_apply(network, f"objective.{name}", latent)))
        for name, network in assembled.networks.objective.items()
    }
    encoder, decoder = keras.Model(image, encoded), keras.Model(latent, _float32(decoded))
    return {"encoder": encoder, "decoder": decoder, **others}


def keras_model(assembled: Assembled) -> keras.Model:
    """Return the network of a trained variant, from encoder inputs to reconstructions in [0, 1].

    It computes in float32, even if the training has set Keras to bfloat16.
    """
    keras.config.set_dtype_policy("float32")
    networks = keras_networks(assembled)
    load_weights(networks.values(), assembled.networks.state_dict())
    encoder, decoder = networks["encoder"], networks["decoder"]
    inputs = keras.Input(encoder.input_shape[1:], name="seen")
    encoded = encoder(inputs)
    latent = encoded[0] if isinstance(encoded, list | tuple) else encoded
    reconstruction = keras.layers.Activation("sigmoid", dtype="float32")(decoder(latent))
    return keras.Model(inputs, reconstruction, name="autoencoder")


def load_weights(models: Iterable[keras.Model], state: Mapping[str, torch.Tensor]) -> None:
    """Copy a PyTorch state to the layers of `models` by name; weights have any shape."""
    for name, layer in _layers(models):
        kernel = state[f"{name}.weight"].numpy()
        order = ORDERS[kernel.ndim]
        inverse = sorted(range(kernel.ndim), key=order.__getitem__)
        layer.set_weights([kernel.transpose(inverse), state[f"{name}.bias"].numpy()])


def torch_weights(models: Iterable[keras.Model]) -> dict[str, torch.Tensor]:
    """Return the weights of the layers of `models` as a PyTorch state; they have any shape."""
    state = {}
    for name, layer in _layers(models):
        kernel, bias = layer.get_weights()
        state[f"{name}.weight"] = torch.from_numpy(kernel.transpose(ORDERS[kernel.ndim]).copy())
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


def _layers(models: Iterable[keras.Model]) -> Iterable[tuple[str, Any]]:
    """Return the names and layers of all layers with weights."""
    return [(layer.name, layer) for model in models for layer in model.layers if layer.weights]


def _apply(module: nn.Module, name: str, x: Any) -> Any:
    """Apply the Keras layers for a PyTorch module to `x`; `name` is the name of the module."""
    layers = keras.layers
    match module:
        case ConvEncoder():
            for index, layer in enumerate(module.convolutions):
                x = _apply(layer, f"{name}.convolutions.{index}", x)
                # Pad odd sizes before the first pixel; zeros are exact, because a ReLU follows.
                x = layers.ZeroPadding2D(((x.shape[1] % 2, 0), (x.shape[2] % 2, 0)))(x)
                x = layers.ReLU()(layers.MaxPooling2D(2)(x))
            return x
        case ConvDecoder():
            for index, layer in enumerate(module.convolutions):
                x = layers.ReLU()(_apply(layer, f"{name}.convolutions.{index}", x))
                x = _apply(module.doublings[index], f"{name}.doublings.{index}", x)
            x = _apply(module.to_image, f"{name}.to_image", x)
            rows, columns = (x.shape[i + 1] - module.image_size[i] for i in (0, 1))
            return layers.Cropping2D(((0, rows), (0, columns)))(x)
        case nn.Sequential():
            for child, layer in module.named_children():
                x = _apply(layer, f"{name}.{child}", x)
            return x
        case Corrected():
            correction = _apply(module.correction, f"{name}.correction", x)
            return layers.Add()([_apply(module.base, f"{name}.base", x), correction])
        case ResidualBlock():
            inner = layers.ReLU()(_apply(module.first, f"{name}.first", x))
            return layers.Add()([x, _apply(module.second, f"{name}.second", inner)])
        case nn.Conv2d():
            if isinstance(module, DoublingConv):
                x = layers.UpSampling2D(2)(x)
            padding = "same" if module.padding in ("same", (1, 1)) else "valid"
            if padding == "valid":
                x = layers.ZeroPadding2D(module.padding)(x)
            return layers.Conv2D(module.out_channels, 3, padding=padding, name=name)(x)
        case nn.ConvTranspose2d():
            return layers.Conv2DTranspose(module.out_channels, 2, strides=2, name=name)(x)
        case nn.Upsample():
            return layers.UpSampling2D(2, interpolation=module.mode)(x)
        case nn.Linear():
            return layers.Dense(module.out_features, name=name)(_vectors(x))
        case nn.Unflatten():
            return layers.Permute((2, 3, 1))(layers.Reshape(module.unflattened_size)(x))
        case nn.PixelUnshuffle():
            return _unshuffled(x, module.downscale_factor)
        case nn.PixelShuffle():
            return _shuffled(x, module.upscale_factor)
        case nn.ReLU():
            return layers.ReLU()(x)
        case nn.Tanh():
            return layers.Activation("tanh")(x)
        case nn.Identity():
            return x
    raise TypeError(f"{name}: no Keras layer for {module}; add a case in {__name__}")


def _float32(x: Any) -> Any:
    """Return `x` in float32; the layers before it may compute in bfloat16."""
    return keras.layers.Activation("linear", dtype="float32")(x)


def _input(shape: Sequence[int]) -> Any:
    """Return a channels-last Keras input for images `(C, H, W)`, or one for vectors."""
    return keras.Input((*shape[1:], shape[0]))


def _vectors(x: Any) -> Any:
    """Flatten feature maps `(N, H, W, C)` in the order of PyTorch; return vectors unchanged."""
    if len(x.shape) == 2:
        return x
    return keras.layers.Reshape((prod(x.shape[1:]),))(keras.layers.Permute((3, 1, 2))(x))


def _unshuffled(x: Any, size: int) -> Any:
    """Move blocks of `size`×`size` pixels into channels, in the order of PyTorch."""
    rows, columns, channels = x.shape[1] // size, x.shape[2] // size, x.shape[3]
    blocks = keras.layers.Reshape((rows, size, columns, size, channels))(x)
    ordered = keras.layers.Permute((1, 3, 5, 2, 4))(blocks)
    return keras.layers.Reshape((rows, columns, channels * size**2))(ordered)


def _shuffled(x: Any, size: int) -> Any:
    """Move channels into blocks of `size`×`size` pixels, in the order of PyTorch."""
    rows, columns, channels = x.shape[1], x.shape[2], x.shape[3] // size**2
    blocks = keras.layers.Reshape((rows, columns, channels, size, size))(x)
    ordered = keras.layers.Permute((1, 4, 2, 5, 3))(blocks)
    return keras.layers.Reshape((rows * size, columns * size, channels))(ordered)
