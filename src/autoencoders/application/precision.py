"""bfloat16 for use: twice as fast where the processor has it, and no difference that shows."""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Precision: TypeAlias = Literal["auto", "float32"]


def has_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 itself, and does not imitate it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # The first asks the processor, the second oneDNN, which may be told to use less of it.
    return bool(
        torch.cpu._is_avx512_bf16_supported() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


def keep_last_layer_in_float32(network: nn.Module) -> None:
    """Let a network's last layer with weights compute in float32, whatever `torch.autocast` says.

    Below 1, bfloat16 has steps of a 256th: of a logit or of a pixel, that would show.
    """
    name = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)
    ][-1]
    network.set_submodule(name, Float32Layer(network.get_submodule(name)))


class Float32Layer(nn.Module):
    """A layer that computes in float32 under `torch.autocast` too."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of `x`, in float32."""
        with torch.autocast(x.device.type, enabled=False):
            made: Tensor = self.layer(x.float())
        return made
