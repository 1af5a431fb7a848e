"""What a control group grants of a machine's processors and memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.machine.grants import free_memory, processors

MB = 1 << 20


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """Its /proc, with 20 GB of memory left, and where its control groups are mounted."""
    proc, mounted = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    mounted.mkdir()
    (proc / "meminfo").write_text("MemTotal: 24000000 kB\nMemAvailable:   20000000 kB\n")
    return proc, mounted


def group(folder: Path, **values: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def test_without_groups_all_of_the_machine_is_granted(machine: tuple[Path, Path]) -> None:
    assert free_memory(*machine) == 20_000_000 << 10
    assert processors(*machine) >= 1
    (machine[0] / "meminfo").unlink()
    assert free_memory(*machine) is None


def test_groups_of_version_2_bound_what_is_in_them(machine: tuple[Path, Path]) -> None:
    proc, mounted = machine
    (proc / "self" / "cgroup").write_text("0::/system.slice/night.service\n")
    inner = mounted / "system.slice" / "night.service"
    group(
        inner,
        memory__max="max",
        memory__current=1,
        memory__stat="inactive_file 0",
        cpu__max="50000 100000",
    )
    group(
        inner.parent,
        memory__max=500 * MB,
        memory__current=450 * MB,
        memory__stat=f"anon 7\ninactive_file {100 * MB}",
        cpu__max="max 100000",
    )
    assert free_memory(proc, mounted) == 150 * MB
    assert processors(proc, mounted) == 0.5


def test_groups_of_version_1_bound_what_is_in_them(machine: tuple[Path, Path]) -> None:
    proc, mounted = machine
    (proc / "self" / "cgroup").write_text("4:memory:/night\n2:cpu,cpuacct:/night\n0::/\n")
    group(
        mounted / "memory" / "night",
        memory__limit_in_bytes=300 * MB,
        memory__usage_in_bytes=100 * MB,
        memory__stat="total_inactive_file 0",
    )
    group(mounted / "cpu,cpuacct" / "night", cpu__cfs_quota_us=25_000, cpu__cfs_period_us=100_000)
    assert free_memory(proc, mounted) == 200 * MB
    assert processors(proc, mounted) == 0.25


def test_a_container_sees_its_own_group_as_the_root(machine: tuple[Path, Path]) -> None:
    proc, mounted = machine
    (proc / "self" / "cgroup").write_text("0::/docker/0123456789abcdef\n")
    group(mounted, memory__max=64 * MB, memory__current=70 * MB, memory__stat="inactive_file 0")
    assert free_memory(proc, mounted) == 0
