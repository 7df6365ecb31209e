"""The networks as Keras models, like those of PyTorch; images are channels-last, `(N, H, W, C)`.

A layer is named as PyTorch names its twin, which is how weights find their way.
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

# From Keras to PyTorch: (H, W, I, O) of a convolution to (O, I, H, W), and (H, W, O, I) of a
# transposed one to (I, O, H, W); (I, O) of a linear layer to (O, I).
ORDERS = {4: (3, 2, 0, 1), 2: (1, 0)}


def keras_networks(assembled: Assembled) -> dict[str, keras.Model]:
    """Return a variant's networks by name: `encoder`, `decoder`, and those of the objective.

    The encoder gives the latent, or with a posterior its mean and log-variance; the decoder gives
    an image's logits. What the objective brings looks at latents. All but a latent is float32.
    """
    model = assembled.model
    seen, latent = _input(assembled.input_shape), _input(model.latent_shape)
    encoded = _twin(model.encoder, "model.encoder", seen)
    if isinstance(model, VariationalAutoencoder):
        heads = {"model.mean": model.mean, "model.log_variance": model.log_variance}
        encoded = [_float32(_twin(head, name, encoded)) for name, head in heads.items()]
    decoded = _twin(model.decoder, "model.decoder", latent)
    own = {
        name: keras.Model(latent, _float32(_twin(network, f"objective.{name}", latent)))
        for name, network in assembled.networks.objective.items()
    }
    encoder, decoder = keras.Model(seen, encoded), keras.Model(latent, _float32(decoded))
    return {"encoder": encoder, "decoder": decoder, **own}


def keras_model(assembled: Assembled) -> keras.Model:
    """Return a trained variant's network, from what is seen to the reconstruction in [0, 1].

    It computes in float32, also after a training that set Keras to bfloat16.
    """
    keras.config.set_dtype_policy("float32")
    networks = keras_networks(assembled)
    load_weights(networks.values(), assembled.networks.state_dict())
    encoder, decoder = networks["encoder"], networks["decoder"]
    seen = keras.Input(encoder.input_shape[1:], name="seen")
    encoded = encoder(seen)
    latent = encoded[0] if isinstance(encoded, list | tuple) else encoded
    reconstruction = keras.layers.Activation("sigmoid", dtype="float32")(decoder(latent))
    return keras.Model(seen, reconstruction, name="autoencoder")


def load_weights(models: Iterable[keras.Model], state: Mapping[str, torch.Tensor]) -> None:
    """Give every layer of `models` the weights that PyTorch's state has under its name."""
    for name, layer in _layers(models):
        kernel = state[f"{name}.weight"].numpy()
        order = ORDERS[kernel.ndim]
        back = sorted(range(kernel.ndim), key=order.__getitem__)
        layer.set_weights([kernel.transpose(back), state[f"{name}.bias"].numpy()])


def torch_weights(models: Iterable[keras.Model]) -> dict[str, torch.Tensor]:
    """Return PyTorch's state, the weights of every layer of `models` under its name."""
    state = {}
    for name, layer in _layers(models):
        kernel, bias = layer.get_weights()
        state[f"{name}.weight"] = torch.from_numpy(kernel.transpose(ORDERS[kernel.ndim]).copy())
        state[f"{name}.bias"] = torch.from_numpy(bias)
    return state


def _layers(models: Iterable[keras.Model]) -> Iterable[tuple[str, Any]]:
    """Return the layers that have weights, with their names."""
    return [(layer.name, layer) for model in models for layer in model.layers if layer.weights]


def _twin(module: nn.Module, name: str, x: Any) -> Any:
    """Return what the twin of a PyTorch module, called as that is, makes of `x`."""
    layers = keras.layers
    match module:
        case ConvEncoder():
            for index, layer in enumerate(module.convolutions):
                x = _twin(layer, f"{name}.convolutions.{index}", x)
                # An odd size is padded before its first pixel; with zeros, as a ReLU follows.
                x = layers.ZeroPadding2D(((x.shape[1] % 2, 0), (x.shape[2] % 2, 0)))(x)
                x = layers.ReLU()(layers.MaxPooling2D(2)(x))
            return x
        case ConvDecoder():
            for index, layer in enumerate(module.convolutions):
                x = layers.ReLU()(_twin(layer, f"{name}.convolutions.{index}", x))
                x = _twin(module.doublings[index], f"{name}.doublings.{index}", x)
            x = _twin(module.to_image, f"{name}.to_image", x)
            rows, columns = (x.shape[i + 1] - module.image_size[i] for i in (0, 1))
            return layers.Cropping2D(((0, rows), (0, columns)))(x)
        case nn.Sequential():
            x = _vectors(x)
            for own, layer in module.named_children():
                x = _twin(layer, f"{name}.{own}", x)
            return x
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
            return layers.Dense(module.out_features, name=name)(x)
        case nn.Unflatten():
            return layers.Permute((2, 3, 1))(layers.Reshape(module.unflattened_size)(x))
        case nn.ReLU():
            return layers.ReLU()(x)
        case nn.Identity():
            return x
    raise TypeError(f"{name} has no twin: {module}")


def _float32(x: Any) -> Any:
    """Return `x` in float32, whatever the layers before compute in."""
    return keras.layers.Activation("linear", dtype="float32")(x)


def _input(shape: Sequence[int]) -> Any:
    """Return an input of images `(C, H, W)`, channels last, or of vectors."""
    return keras.Input((*shape[1:], shape[0]))


def _vectors(x: Any) -> Any:
    """Return maps `(N, H, W, C)` as vectors in PyTorch's order; vectors as they are."""
    if len(x.shape) == 2:
        return x
    return keras.layers.Reshape((prod(x.shape[1:]),))(keras.layers.Permute((3, 1, 2))(x))
