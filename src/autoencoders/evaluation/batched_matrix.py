"""A matrix that is read in batches of rows, because it may not fit into memory."""

from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import Tensor

MAX_DIRECT_LENGTH = 4096  # of vectors: no covariance matrix is computed for longer ones
MAX_GRAM_ROWS = 3000  # of a matrix of inner products: 72 MB, computed in half a minute
BLOCK = 4096  # columns that are converted to double precision at a time


class Rows:
    """A matrix `(N, d)` of vectors minus `mean` `(d,)`, by default the mean of the vectors.

    `batches` yields the same vectors in batches `(n, …)` at each call. At most two batches are in
    memory at a time.
    """

    def __init__(self, batches: Callable[[], Iterator[Tensor]], mean: Tensor | None = None) -> None:
        self.batches = batches
        self.count = 0
        total: Tensor | float = 0.0
        for batch in batches():
            self.count += len(batch)
            total = batch.flatten(1).sum(0, dtype=torch.float64) + total
        assert isinstance(total, torch.Tensor)
        self.mean: Tensor = (total / self.count).float() if mean is None else mean

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the rows in batches `(n, d)`."""
        for batch in self.batches():
            yield batch.flatten(1) - self.mean

    def variance(self) -> Tensor:
        """Return the sample variance of each column, `(d,)` float32."""
        squares = sum(rows.double().square().sum(0) for rows in self)
        assert isinstance(squares, torch.Tensor)
        return (squares / (self.count - 1)).float()

    def gram(self) -> Tensor:
        """Return the inner products of all pairs of rows, `(N, N)` float64."""
        products = self.mean.new_zeros(self.count, self.count, dtype=torch.float64)
        row = 0
        for i, rows in enumerate(self):
            column = 0
            for others in islice(self, i + 1):
                block = inner(rows, others)
                products[row : row + len(rows), column : column + len(others)] = block
                products[column : column + len(others), row : row + len(rows)] = block.T
                column += len(others)
            row += len(rows)
        return products

    def products_with(self, vectors: Tensor) -> Tensor:
        """Return the inner products of `vectors` `(n, d)` with all rows, `(n, N)` float64."""
        return torch.cat([inner(vectors, rows) for rows in self], dim=1)

    def weighted_sums(self, weights: Tensor) -> Tensor:
        """Return the sums of all rows weighted by `weights` `(n, N)`, as `(n, d)` float32."""
        sums = self.mean.new_zeros(len(weights), len(self.mean))
        column = 0
        for rows in self:
            sums.addmm_(weights[:, column : column + len(rows)].float(), rows)
            column += len(rows)
        return sums

    def coordinates(self) -> Tensor:
        """Return `(N, N)` float32, whose rows have the same inner products and distances."""
        values, vectors = torch.linalg.eigh(self.gram())
        return (vectors * values.clamp(min=0).sqrt()).float()


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Return the inner products of the rows of `a` `(n, d)` and `b` `(m, d)`, `(n, m)` float64."""
    products = a.new_zeros(len(a), len(b), dtype=torch.float64)
    for block_a, block_b in zip(a.split(BLOCK, 1), b.split(BLOCK, 1), strict=True):
        products.addmm_(block_a.double(), block_b.double().T)
    return products
