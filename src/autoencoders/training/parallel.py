"""The processes that share one training: torchrun starts them, each takes a part of every batch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from autoencoders.errors import UserError


@dataclass(frozen=True)
class Processes:
    """The rank of this process among `count` that train together; alone by default."""

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Tell whether this process is the one that writes files and tracks."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """Return this process's rows of a batch."""
        rows = len(batch) // self.count
        return batch[rows * self.rank : rows * (self.rank + 1)]

    def average(self, tensors: list[Tensor]) -> None:
        """Replace tensors by their mean over processes, in one message."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = flat.div_(self.count).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of `value` over processes."""
        return self.total(value.clone()) / self.count if self.count > 1 else value

    def total(self, values: Tensor) -> Tensor:
        """Return the sum of `values` over processes."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Return when all processes have come here."""
        if self.count > 1:
            dist.barrier()


SINGLE_PROCESS = Processes()


def from_environment() -> Processes:
    """Return who torchrun says that this process is.

    Raises:
        UserError: something else has set a part of torchrun's variables.
    """
    rank, count = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if rank.isdecimal() and count.isdecimal() and (count == "1" or "MASTER_ADDR" in os.environ):
        return Processes(int(rank), int(count))
    raise UserError(
        f"WORLD_SIZE and RANK: found {count!r} and {rank!r}; allowed: as torchrun sets them, with "
        "MASTER_ADDR beside; unset them to train as one process"
    )


@contextmanager
def process_group(device: torch.device) -> Iterator[Processes]:
    """Connect this process to the others that torchrun started: over NCCL on GPUs, else gloo."""
    processes = from_environment()
    if processes.count == 1:
        yield processes
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield processes
    finally:
        dist.destroy_process_group()
