"""Environment variables for the number of compute threads and the way they wait for each other.

Libraries read them when they are loaded, so set them before torch or NumPy is imported. The way of
waiting does not change results. The number of threads can, because it changes the order of sums.
"""

import os

import psutil

from autoencoders.limits import available_cores

# One thread for OpenMP and for the linear algebra libraries, on any machine.
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# A thread of GNU's OpenMP that waits sleeps at once, or checks this many times before it sleeps.
SLEEP = {"OMP_WAIT_POLICY": "PASSIVE"}
SPIN = {"GOMP_SPINCOUNT": "10000"}
MEASURING_TIME = 0.5  # seconds to measure the load of the machine
IDLE_LOAD = 0.25  # cores that an idle machine uses


def wait_variables(threads: int) -> dict[str, str]:
    """Return the variables for a process that starts now; none if the user has set one of them.

    With more than one thread, the call takes half a second to measure the load of the machine.
    """
    if any(name in os.environ for name in (*SLEEP, *SPIN)):
        return {}
    if threads == 1:
        return SLEEP
    busy = psutil.cpu_percent(MEASURING_TIME) / 100 * (psutil.cpu_count() or 1)
    return choose_wait_variables(threads, available_cores(), busy)


def choose_wait_variables(threads: int, cores: int, busy: float) -> dict[str, str]:
    """Return the variables with which the threads of one process wait for each other.

    Checks make small networks up to 1.5 times as fast if there is a free core for each thread.
    Otherwise they occupy cores that other threads need, and a step takes three times as long
    (docs/speed.md).

    Args:
        threads: the number of threads.
        cores: the number of cores that they may use.
        busy: the number of cores that other processes use.
    """
    return SPIN if 1 < threads <= cores - busy + IDLE_LOAD else SLEEP
