"""A caller is led to one of two releases by what the keys service says, through the real gateway, and cannot choose.

The new release has no pods here, so that its callers are told from the others by what they get.
"""

import ssl
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPSConnection
from typing import Any

import pytest
from slipway_keys.check.variants import NEW, variant
from slipway_keys.ledger.lines import Caller
from slipway_keys.values.route import StickySection

from slipway.plan.rollout import Side
from slipway.render.rollout.route import judged_route
from slipway.values import names
from tests.support.behind_gateway import Way
from tests.support.looking import until
from tests.support.rollouts import new_release, rollout_of
from tests.support.workbench import Workbench

pytestmark = [pytest.mark.integration, pytest.mark.serial]

MODEL = "failing"
SESSIONS = range(20)
HALF = 0.5
LIMIT_S = 30.0
ROLLOUT = replace(rollout_of(new_release(), headers=True), header=None, model=MODEL)
OBJECTS = ("HTTPRoute", "SecurityPolicy")


@pytest.fixture
def divided(bench: Workbench) -> Iterator[Workbench]:
    """The model with a route to two releases, each for half of the callers."""
    cluster, candidate = bench.cluster, names.candidate(MODEL)
    sides = (Side("1.0.0", "", MODEL), Side("1.1.0", "", candidate))
    rollout = replace(ROLLOUT, namespace=bench.namespace, old=sides[0], new=sides[1])
    before = [cluster.read(kind, MODEL) or {} for kind in OBJECTS]
    service = {"metadata": {"name": candidate}, "spec": {"ports": [{"name": "http", "port": rollout.port}]}}
    cluster.create({"apiVersion": "v1", "kind": "Service", **service})
    try:
        for manifest in judged_route(before, rollout, HALF, judge=False):
            cluster.replace(manifest)
        yield bench
    finally:
        for manifest in before:
            there: Any = cluster.read(manifest["kind"], MODEL)
            there["metadata"]["annotations"] = manifest["metadata"].get("annotations", {})
            cluster.replace(there | {"spec": manifest["spec"]})
        cluster.delete("Service", candidate)


def is_served(way: Way, session: int, claimed: str | None) -> bool:
    """Whether a call gets to the release that has pods; `claimed`: what the caller says which release it is for."""
    connection = HTTPSConnection(
        "localhost", way.port, timeout=LIMIT_S, context=ssl.create_default_context(cafile=way.authority)
    )
    headers = {**way.to(MODEL).headers, "x-session": str(session)}
    claim = {} if claimed is None else {"x-slipway-variant": claimed}
    try:
        connection.request("GET", f"/models/{MODEL}/v2/models/{MODEL}", headers=headers | claim)
        return connection.getresponse().status == HTTPStatus.OK
    finally:
        connection.close()


def test_a_caller_stays_with_one_release_whatever_it_says_itself(divided: Workbench, way: Way) -> None:
    sticky = StickySection(header="x-session", share=HALF, rollout=ROLLOUT.id)
    caller = Caller("nobody", "nobody")
    new = {one for one in SESSIONS if variant(sticky, caller, {b"x-session": b"%d" % one}) == NEW}
    assert new
    assert new < set(SESSIONS)
    until("it is divided", lambda: {one for one in SESSIONS if not is_served(way, one, None)} == new, LIMIT_S)
    for claimed in ("new", "old", "any", None):
        assert {one for one in SESSIONS if not is_served(way, one, claimed)} == new, claimed
