"""The limits of cgroups, in imitations of the system's files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autoencoders import limits
from autoencoders.commands import repro

GIB = 2**30
UNLIMITED_V1 = "9223372036854771712"
Machine = Callable[[str, Mapping[str, str]], None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine of 8 cores and 64 GiB; the test writes its cgroups' files."""
    monkeypatch.setattr(limits, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(limits, "MEMBERSHIP", tmp_path / "membership")
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)), raising=False)

    class Memory:
        total = 64 * GIB

    monkeypatch.setattr("psutil.virtual_memory", Memory)

    def write(membership: str, files: Mapping[str, str]) -> None:
        (tmp_path / "membership").write_text(membership)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")

    return write


@pytest.mark.parametrize(
    ("membership", "files", "cores", "memory"),
    [
        ("", {}, 8, 64),
        ("0::/", {"memory.max": str(3 * GIB), "cpu.max": "200000 100000"}, 2, 3),
        ("0::/", {"memory.max": "max", "cpu.max": "max 100000"}, 8, 64),
        ("0::/", {"memory.high": str(5 * GIB), "memory.max": "max"}, 8, 5),
        ("0::/", {"cpu.max": "50000 100000"}, 1, 64),  # half a core
        ("0::/", {"cpu.max": "250000 100000"}, 2, 64),  # no more than two whole cores
        # The limit of a cgroup that contains the process's own.
        ("0::/a/b", {"a/memory.max": str(3 * GIB), "a/b/memory.max": "max"}, 8, 3),
        ("0::/a/b", {"a/b/cpu.max": "300000 100000", "a/cpu.max": "100000 100000"}, 1, 64),
        # In a container, the membership may name a folder outside of it.
        ("0::/docker/0123", {"memory.max": str(3 * GIB)}, 8, 3),
        ("0::/../../other", {"memory.max": str(3 * GIB)}, 8, 3),
        (
            "4:memory:/job\n1:cpu,cpuacct:/job\n0::/",
            {
                "memory/job/memory.limit_in_bytes": str(3 * GIB),
                "memory/memory.limit_in_bytes": UNLIMITED_V1,
                "cpu,cpuacct/job/cpu.cfs_quota_us": "400000",
                "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
            },
            *(4, 3),
        ),
        (
            "1:cpu:/",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            *(8, 64),
        ),
        ("5:memory:/a\n0::/a", {"unified/a/cpu.max": "100000 100000"}, 1, 64),
    ],
)
def test_the_smallest_limit_holds(
    machine: Machine, membership: str, files: dict[str, str], cores: int, memory: int
) -> None:
    machine(membership, files)
    assert (limits.available_cores(), limits.available_memory()) == (cores, memory * GIB)


def test_in_three_gib_one_stage_runs_at_a_time(machine: Machine) -> None:
    machine("0::/", {"memory.max": str(3 * GIB)})
    assert repro._default_jobs() == 1
    machine("0::/", {"memory.max": str(9 * GIB)})
    assert repro._default_jobs() == 4
    machine("0::/", {"cpu.max": "300000 100000"})
    assert repro._default_jobs() == 3
