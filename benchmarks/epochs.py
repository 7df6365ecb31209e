"""Seconds per epoch of the reference loop and of the trainer, in turn, with the same settings."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import torch

from autoencoders import params
from autoencoders.datasets.batches import batches
from autoencoders.device import device
from autoencoders.training import loop
from benchmarks import machine, reference, trainer
from benchmarks.settings import Options
from benchmarks.stopwatch import Stopwatch
from benchmarks.table import Row, print_progress, row
from benchmarks.worker import run_fresh

PART = "epochs"

Measured = dict[str, Any]


def measure(options: Options, earlier: list[Row]) -> list[Row]:
    """Return speed, memory and time shares of both loops, and the ratio of their times."""
    rows: list[Row] = []
    for variant in options.variants:
        plain, ours = [], []
        for number in range(options.rounds):
            plain.append(run_fresh(reference_epoch, variant=variant, images=options.images))
            ours.append(
                run_fresh(our_epochs, variant=variant, images=options.images, epochs=options.epochs)
            )
            seconds = f"{plain[-1]['seconds']:.2f} s and {ours[-1]['seconds']:.2f} s per epoch"
            print_progress(f"epochs: {variant}, round {number + 1} of {options.rounds}: {seconds}")
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(plain, ours, strict=True)]
        rows += _rows(variant, "reference", plain)
        rows += _rows(variant, "ours", ours)
        rows.append(row(PART, variant, "reference / ours", "×", *ratios))
    return rows


def reference_epoch(variant: str, images: int) -> Measured:
    """Measure one epoch of the reference loop."""
    torch.manual_seed(params.load().seed)
    system = reference.SYSTEMS[variant]().to(device())
    train, test = (trainer.prepared(split, images).numpy() for split in ("train", "test"))
    watch = Stopwatch(device())
    return _measured(
        watch,
        {
            (reference, "loader"): watch.iterated("data", reference.loader),
            (system, "encoder_input"): watch.timed("data", system.encoder_input),
            (system, "update"): watch.timed("forward", system.update),
            (system, "loss"): watch.timed("forward", system.loss),
        },
        lambda: reference.run_epoch(system, train, test, device()),
        epochs=1,
        images=len(train),
    )


def our_epochs(variant: str, images: int, epochs: int) -> Measured:
    """Measure epochs of the project's trainer; it validates on the test images here."""
    subject = trainer.tutorial(variant, epochs)
    objective = subject.assembled.objective
    input: Any = type(subject.assembled.input)
    train = trainer.prepared("train", images)
    test = trainer.prepared("test", images)
    watch = Stopwatch(device())
    return _measured(
        watch,
        {
            (loop, "batches"): watch.iterated("data", batches),
            (input, "__call__"): watch.timed("data", input.__call__),
            (objective, "update"): watch.timed("forward", _without_step(watch, objective.update)),
            (objective, "terms"): watch.timed("forward", objective.terms),
        },
        lambda: subject.train(train, test),
        epochs=epochs,
        images=len(train),
    )


def _without_step(watch: Stopwatch, update: Callable[..., Any]) -> Callable[..., Any]:
    """Return an objective's update that counts the trainer's step, which it calls, as other."""

    def wrapped(*arguments: Any) -> Any:
        *others, step = arguments
        return update(*others, watch.timed("other", step))

    return wrapped


def _measured(
    watch: Stopwatch,
    timed: dict[tuple[object, str], Callable[..., Any]],
    run: Callable[[], object],
    epochs: int,
    images: int,
) -> Measured:
    """Run with each attribute replaced by its timed function; return the results of one round."""
    with ExitStack() as replaced, watch:
        for (owner, name), function in timed.items():
            replaced.enter_context(patch.object(owner, name, function))
        run()
    seconds = watch.total
    if device().type == "cuda":  # reading the clock at every phase slows a GPU down
        seconds = _seconds(run)
    return {
        "seconds": seconds / epochs,
        "images_per_second": images * epochs / seconds,
        "peak_memory": machine.memory("VmHWM"),
        "shares": watch.shares,
    }


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    machine.synchronise(device())
    return time.perf_counter() - started


def _rows(variant: str, loop_name: str, rounds: list[Measured]) -> list[Row]:
    def measure_row(measure: str, unit: str, values: list[float]) -> Row:
        return row(PART, variant, f"{loop_name}: {measure}", unit, *values)

    return [
        measure_row("time per epoch", "s", [r["seconds"] for r in rounds]),
        measure_row("images per second", "1/s", [r["images_per_second"] for r in rounds]),
        measure_row("peak memory", "MB", [r["peak_memory"] for r in rounds]),
        *(
            measure_row(f"{phase} share", "%", [100 * r["shares"][phase] for r in rounds])
            for phase in rounds[0]["shares"]
        ),
    ]
