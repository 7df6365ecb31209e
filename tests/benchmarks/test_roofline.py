"""The counted bytes of operations."""

import torch

from benchmarks import roofline


def test_traffic_counts_bytes_read_and_written() -> None:
    x, y = torch.ones(100), torch.ones(100)
    with roofline.Traffic() as traffic:  # type: ignore[no-untyped-call]
        x + y
    assert traffic.bytes == 3 * 400


def test_an_in_place_operation_reads_and_writes_its_memory() -> None:
    x = torch.ones(100)
    with roofline.Traffic() as traffic:  # type: ignore[no-untyped-call]
        x.mul_(2)
    assert traffic.bytes == 2 * 400


def test_views_and_unwritten_memory_move_nothing() -> None:
    x = torch.ones(10, 10)
    with roofline.Traffic() as traffic:  # type: ignore[no-untyped-call]
        x.view(100)[:50].unsqueeze(0).detach()
        x.T.reshape(1, 10, 10).expand(3, 10, 10)
        torch.empty_like(x)
    assert traffic.bytes == 0
