"""Data-parallel training: torchrun starts the processes; each trains on a part of every batch."""

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
    """The rank of this process among `count` processes that train together; one by default.

    Tensors have any shape.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_main(self) -> bool:
        """Return whether this process writes the files and logs to MLflow."""
        return self.rank == 0

    def part(self, batch: Tensor) -> Tensor:
        """Return the rows of this process, `(N / count, …)`, from a batch `(N, …)`."""
        rows = len(batch) // self.count
        return batch[rows * self.rank : rows * (self.rank + 1)]

    def average(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its mean over processes, in one message, because each is slow."""
        if self.count == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        dist.all_reduce(flat)
        parts = flat.div_(self.count).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def mean(self, value: Tensor) -> Tensor:
        """Return the mean of `value` over processes, in the same shape."""
        return self.total(value.clone()) / self.count if self.count > 1 else value

    def total(self, values: Tensor) -> Tensor:
        """Replace `values` by their sum over processes, and return them."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Wait until all processes call this method."""
        if self.count > 1:
            dist.barrier()


SINGLE_PROCESS = Processes()


def from_environment() -> Processes:
    """Return the rank and count that torchrun gives in environment variables.

    Raises:
        UserError: the variables are not numbers, or are incomplete.
    """
    rank, count = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if rank.isdecimal() and count.isdecimal() and (count == "1" or "MASTER_ADDR" in os.environ):
        return Processes(int(rank), int(count))
    raise UserError(
        f"WORLD_SIZE and RANK: found {count!r} and {rank!r}; allowed: the values that torchrun "
        "sets, together with MASTER_ADDR; unset all three to train in one process"
    )


@contextmanager
def process_group(device: torch.device) -> Iterator[Processes]:
    """Connect this process to the others of torchrun: with NCCL on GPUs, otherwise with gloo."""
    processes = from_environment()
    if processes.count == 1:
        yield processes
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield processes
    finally:
        dist.destroy_process_group()
