"""Processes are bound to cores of their own before second threads of the same core."""

from __future__ import annotations

from pathlib import Path

from albert_export.bench.affinity import cores_in_order


def test_second_threads_of_a_core_come_last(tmp_path: Path) -> None:
    for core, siblings in enumerate(("0-1", "0-1", "2-3", "2-3")):
        topology = tmp_path / f"cpu{core}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{siblings}\n")
    assert cores_in_order({0, 1, 2, 3}, tmp_path) == [0, 2, 1, 3]
    assert cores_in_order({1, 3}, tmp_path) == [1, 3]


def test_a_system_that_does_not_say(tmp_path: Path) -> None:
    assert cores_in_order({5, 2}, tmp_path) == [2, 5]
