"""Memory is found, divided and counted rightly, and shared fairly."""

from pathlib import Path

import pytest
from slipway_server.memory.budget import SMALL_BYTES, Budget, share_out
from slipway_server.memory.limit import memory_limit, resident
from slipway_server.protocol.jsonbody import parse_cost
from slipway_server.values.errors import Full

MI = 2**20


def files(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("cgroup", "limits", "expected"),
    [
        # cgroup v2 in a container: its own group is the root.
        ("0::/\n", {"memory.max": f"{256 * MI}\n"}, 256 * MI),
        # v2 on a machine: the smallest limit of all groups above holds.
        ("0::/a/b\n", {"a/memory.max": f"{64 * MI}\n", "a/b/memory.max": "max\n"}, 64 * MI),
        # v1 in a container without a namespace: the path is the host's, the mount's root is the group's own.
        ("5:memory:/kubepods/x\n", {"memory/memory.limit_in_bytes": f"{128 * MI}\n"}, 128 * MI),
        ("5:memory:/a\n", {"memory/a/memory.limit_in_bytes": f"{32 * MI}\n"}, 32 * MI),
        # v1's number for no limit, v2's word for it, no file at all: the machine's memory.
        ("5:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712\n"}, None),
        ("0::/\n", {"memory.max": "max\n"}, None),
        ("", {}, None),
    ],
)
def test_the_limit_of_the_pod_is_found_in_cgroups_of_both_versions(
    tmp_path: Path, cgroup: str, limits: dict[str, str], expected: int | None
) -> None:
    proc = files(tmp_path / "proc", {"self/cgroup": cgroup})
    cgroups = files(tmp_path / "cgroup", limits)
    cgroups.mkdir(exist_ok=True)
    machine = int(
        next(line for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line).split()[1]
    )
    assert memory_limit(cgroups, proc) == (expected or pytest.approx(machine * 1024, rel=0.1))
    assert 10 * MI < resident() < 4096 * MI


@pytest.mark.parametrize("limit", [160 * MI, 256 * MI, 512 * MI, 4096 * MI])
@pytest.mark.parametrize("weights", [0, 20 * MI, 400 * MI])
def test_the_parts_together_never_exceed_what_the_process_may_take(limit: int, weights: int) -> None:
    before = 80 * MI
    shares = share_out(limit, before, weights, 2 * MI)
    parts = shares.arena + shares.work + shares.room + shares.connections * 16 * 1024
    assert parts <= limit - before
    assert min(shares.arena, shares.work, shares.room, shares.connections) > 0


@pytest.mark.parametrize(("memory", "max_body"), [(160, 2), (256, 8), (512, 24), (4096, 248)])
def test_a_body_of_numbers_as_large_as_validate_allows_can_be_read(memory: int, max_body: int) -> None:
    """128Mi for the server and 16 times the largest body: more than nine of these are for reading it."""
    shares = share_out(memory * MI, 80 * MI, 0, max_body * MI)
    body = b"0.123456," * (max_body * MI // 9)
    assert shares.work >= parse_cost(body[: 9 * 10_000]) / 90_000 * len(body)
    assert Budget(shares.room).largest >= 2 * max_body * MI


def test_small_requests_get_in_while_large_ones_take_all_that_they_may() -> None:
    budget = Budget(8 * MI)
    large = [budget.lease(f"10.0.0.{n}") for n in range(3)]
    assert [lease.arrived(2 * MI) for lease in large] == [True, True, True]
    assert not budget.lease("10.0.0.9").arrived(MI)
    assert budget.lease("10.0.0.9").arrived(SMALL_BYTES)


def test_one_address_holds_half_at_most_and_a_configured_proxy_more() -> None:
    budget = Budget(8 * MI, ["10.0.0.0/8", "fd00::/8"])
    peer, proxy = budget.peer_of("192.0.2.1"), budget.peer_of("10.1.2.3")
    assert (peer, proxy, budget.peer_of("fd00::1")) == ("192.0.2.1", "", "")
    assert [budget.lease(peer).arrived(2 * MI) for _ in range(3)] == [True, True, False]
    budget = Budget(8 * MI, ["10.0.0.0/8"])
    assert [budget.lease(proxy).arrived(2 * MI) for _ in range(4)] == [True, True, True, False]


def test_the_only_request_of_an_address_may_be_as_large_as_any() -> None:
    budget = Budget(8 * MI)
    assert budget.lease("192.0.2.1").arrived(6 * MI)


def test_what_came_to_a_stop_is_given_up_for_others_the_slowest_first() -> None:
    budget = Budget(8 * MI)
    slow, slower, fresh = (budget.lease(f"10.0.0.{n}") for n in range(3))
    woken: list[str] = []
    slow.wake, slower.wake = (lambda: woken.append("slow")), (lambda: woken.append("slower"))
    slow.deadline, slower.deadline, fresh.deadline = 2.0, 1.0, float("inf")
    with slow.arriving(), slower.arriving(), fresh.arriving():
        assert all(lease.arrived(2 * MI) for lease in (slow, slower, fresh))
        assert budget.lease("10.0.0.8").arrived(2 * MI)
        assert (woken, slower.refused, slow.refused) == (["slower"], True, False)
        assert budget.lease("10.0.0.9").arrived(2 * MI)
        assert woken == ["slower", "slow"]
        assert not budget.lease("10.0.0.10").arrived(2 * MI)
    assert not fresh.refused


def test_a_request_that_is_here_may_use_the_whole_room_and_no_more() -> None:
    budget = Budget(8 * MI)
    lease = budget.lease("10.0.0.1")
    assert lease.arrived(4 * MI)
    lease.charge(4 * MI)
    with pytest.raises(Full):
        lease.charge(1)


def test_what_is_given_back_is_no_longer_counted_for_anybody() -> None:
    budget = Budget(8 * MI)
    lease = budget.lease("10.0.0.1")
    lease.charge(3 * MI)
    lease.shrink(MI)
    assert budget.held == 2 * MI
    lease.close()
    lease.close()
    assert budget.held == 0
    assert budget.lease("10.0.0.1").arrived(4 * MI)
