"""How many threads compute, and how they wait, in variables that libraries read when loaded.

Set them before torch or NumPy is imported. How threads wait changes no bit of a result. How many
there are can: several threads add sums in another order.
"""

import os

import psutil

# One thread of OpenMP and the libraries of matrices, whatever the machine has.
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# How a thread of GNU's OpenMP waits for the others: it sleeps, or it first checks this many times.
SLEEP = {"OMP_WAIT_POLICY": "PASSIVE"}
SPIN = {"GOMP_SPINCOUNT": "10000"}
MEASURED = 0.5  # seconds for which the machine's load is measured
QUIET = 0.25  # cores that a machine is busy with when nothing runs


def wait_variables(threads: int) -> dict[str, str]:
    """Return the variables for a process that is to start now; none where the user has set one.

    It takes half a second where there is more than one thread.
    """
    if any(name in os.environ for name in (*SLEEP, *SPIN)):
        return {}
    if threads == 1:
        return SLEEP
    busy = psutil.cpu_percent(MEASURED) / 100 * (psutil.cpu_count() or 1)
    return choose_wait_variables(threads, available_cores(), busy)


def choose_wait_variables(threads: int, cores: int, busy: float) -> dict[str, str]:
    """Return how threads that compute together wait for each other.

    Checking makes small networks up to 1.5 times as fast if each thread has a core of its own.
    Otherwise it occupies the core that the awaited thread needs, and a step takes three times as
    long (docs/speed.md).

    Args:
        threads: how many there are.
        cores: how many cores they may use.
        busy: how many cores other processes use.
    """
    return SPIN if 1 < threads <= cores - busy + QUIET else SLEEP


def available_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(affinity(0)) if affinity else os.cpu_count() or 1
