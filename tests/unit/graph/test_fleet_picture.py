"""What a fleet is drawn as: devices of one class at one site together, and never more than an eye can follow."""

from xml.etree import ElementTree as Xml

import pytest

from slipway.errors.base import UserError
from slipway.graph.fleet import MOST, fleet
from slipway.graph.svg import svg
from tests.support.fleets import fleet_settings
from tests.support.planned import fixture_plan

PLAN = fixture_plan("local").select(["least"])


def device(name: str, site: str, hardware: str = "x86-box") -> dict[str, str]:
    return {"name": name, "site": site, "hardware": hardware}


def test_devices_are_drawn_by_site_class_and_what_they_run() -> None:
    devices = [
        device("a", "berlin"),
        device("b", "berlin"),
        device("c", "lyon"),
        device("d", "lyon", "jetson-orin-nano"),
    ]
    settings = fleet_settings(0, sites=["berlin", "lyon"], devices=devices, control="https://fleet.example.com")
    drawn = fleet(PLAN, settings, {"a": ("least",), "b": ("least",), "c": ("least",), "d": ("other",)})
    Xml.fromstring(svg(drawn))
    assert [(box.heading, *box.lines) for box in drawn.boxes.values() if box.id.startswith("devices")] == [
        ("2 x86-box", "at berlin", "runs least"),
        ("1 jetson-orin-nano", "at lyon", "runs nothing of these"),
        ("1 x86-box", "at lyon", "runs least"),
    ]
    asks = [one for one in drawn.arrows if one.end == "control" and one.start.startswith("devices")]
    assert [one.encrypted for one in asks] == [True] * 3
    assert len([one for one in drawn.arrows if one.text == "pulled by digest"]) == 2
    assert "least: rings of so many of 3 devices: canary 1, tenth 1, fleet 3." in drawn.notes


def test_a_device_with_kubernetes_is_drawn_as_such() -> None:
    of_k3s = {"architecture": "amd64", "cores": 4, "ghz": 2, "operations": 16, "memory": "8Gi", "runs_on": "kubernetes"}
    settings = fleet_settings(0, devices=[device("a", "berlin", "k3s")], hardware={"k3s": of_k3s})
    drawn = fleet(PLAN, settings, {"a": ("least",)})
    (box,) = (box for box in drawn.boxes.values() if box.id.startswith("devices"))
    assert (box.heading, *box.lines) == ("1 k3s", "at berlin, Kubernetes", "runs least")


def test_a_control_side_without_tls_is_drawn_as_such() -> None:
    drawn = fleet(PLAN, fleet_settings(1), {"box-00000": ("least",)})
    assert not any(one.encrypted for one in drawn.arrows)


def test_more_groups_than_an_eye_can_follow_are_refused() -> None:
    sites = [f"site-{index}" for index in range(MOST + 1)]
    devices = [device(f"box-{site}", site) for site in sites]
    settings = fleet_settings(0, sites=sites, devices=devices)
    with pytest.raises(UserError, match=f"{MOST + 1} groups of devices"):
        fleet(PLAN, settings, {one["name"]: () for one in devices})
