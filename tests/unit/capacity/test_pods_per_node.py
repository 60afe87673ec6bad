"""A node takes so many pods, however small they are."""

from dataclasses import replace

from slipway.capacity.packing import Demand, Load, Nodes, rooms
from slipway.environments.planning.pool import Pool

SMALL = Demand(cpu=10, memory=2**20, gpus=0)
POOL = Pool("cpu", 0, 2, cpu=8000, memory=2**35, gpu=None, selector={}, taints=(), pods=100)


def test_small_replicas_are_bounded_by_the_pods_of_a_node() -> None:
    assert Nodes(POOL).room(SMALL) == 200
    assert Nodes(replace(POOL, pods=None)).room(SMALL) == 1600


def test_what_is_placed_takes_pods_from_those_that_come_after() -> None:
    nodes = Nodes(POOL, 1)
    assert nodes.put(SMALL, 60) == 60
    assert (nodes.room(SMALL), nodes.used) == (40, 1)
    assert nodes.put(SMALL, 60) == 40


def test_room_for_a_model_is_what_its_neighbours_leave() -> None:
    found = rooms(POOL, [Load("one", SMALL, 150), Load("two", SMALL, 30)])
    assert found == {"one": 170, "two": 50}
