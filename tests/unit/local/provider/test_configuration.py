"""The provider's configuration is honoured or refused by name; a kubeconfig that cannot be used says why."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from local.provider import changes_of_provider, clusters
from local.provider.clusters import Clusters, KubeconfigError
from local.provider.properties import UNKNOWN, Secret
from local.provider.settings import Settings, SettingsError, parse


def kubeconfig(server: str = "https://127.0.0.1:1", **user: Any) -> str:
    return json.dumps(
        {
            "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
            "clusters": [
                {"name": "c", "cluster": {"server": server}},
                {"name": "d", "cluster": {"server": "https://d"}},
            ],
            "users": [{"name": "u", "user": user or {"token": "t0ps3cret"}}],
            "current-context": "a",
        }
    )


def test_booleans_may_be_texts_and_what_is_not_known_yet_counts_as_not_given() -> None:
    settings = parse(
        {"enablePatchForce": "true", "upsertExistingObjects": True, "kubeconfig": Secret("x"), "context": UNKNOWN}
    )
    assert settings == Settings(enablePatchForce=True, upsertExistingObjects=True, kubeconfig="x")


@pytest.mark.parametrize(
    "key",
    ["helmReleaseSettings", "kubeClientSettings", "renderYamlToDirectory", "alwaysRender", "strictMode", "kubeConfig"],
)
def test_a_setting_that_is_not_supported_is_refused_by_name_with_those_that_are(key: str) -> None:
    with pytest.raises(SettingsError, match=f"^{key} is not supported .* supported are: cluster, .*kubeconfig"):
        parse({key: "x"})


def test_client_side_apply_is_refused() -> None:
    with pytest.raises(SettingsError, match="client-side apply"):
        parse({"enableServerSideApply": "false"})


def test_a_boolean_that_is_none_is_refused_with_its_value() -> None:
    with pytest.raises(SettingsError, match="enablePatchForce is 'yes'; expected true or false"):
        parse({"enablePatchForce": "yes"})


def test_the_kubeconfig_may_be_given_by_contents_or_by_path(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig())
    assert clusters.server(Settings(kubeconfig=str(path))) == "https://127.0.0.1:1"
    assert clusters.server(Settings(kubeconfig=kubeconfig())) == "https://127.0.0.1:1"
    assert clusters.server(Settings(kubeconfig=kubeconfig(), cluster="d")) == "https://d"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (Settings(kubeconfig="/nowhere/config"), "/nowhere/config cannot be read"),
        (Settings(kubeconfig="a: [\nb"), "no valid YAML at line"),
        (Settings(kubeconfig="{}"), "no list of contexts"),
        (Settings(kubeconfig=kubeconfig(), context="b"), "no context 'b'; it has: a"),
        (Settings(kubeconfig=kubeconfig(), cluster="e"), "no cluster 'e'; it has: c, d"),
        (
            Settings(kubeconfig=kubeconfig(**{"client-certificate-data": "eA==", "client-key-data": "eA=="})),
            "cannot be used",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_says_why_and_shows_no_secret(settings: Settings, told: str) -> None:
    with pytest.raises(KubeconfigError, match=told) as caught:
        asyncio.run(Clusters().find(settings))
    assert "t0ps3cret" not in str(caught.value)


def test_engines_with_the_same_kubeconfig_share_a_cluster_and_others_do_not() -> None:
    async def three() -> tuple[int, str]:
        known = Clusters()
        same = [await known.find(Settings(kubeconfig=kubeconfig(), enablePatchForce=force)) for force in (True, False)]
        other = await known.find(Settings(kubeconfig=kubeconfig("https://127.0.0.1:2")))
        await known.close()
        return len({id(cluster) for cluster in (*same, other)}), other.api.namespace

    assert asyncio.run(three()) == (2, "team")


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(token="new")}, False),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig("https://elsewhere")}, True),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": UNKNOWN}, False),
        ({"clusterIdentifier": "x"}, {"clusterIdentifier": "x", "kubeconfig": kubeconfig("https://elsewhere")}, False),
        ({"clusterIdentifier": "x"}, {"clusterIdentifier": "y"}, True),
    ],
)
def test_only_another_cluster_makes_all_objects_anew(old: Any, new: Any, moved: bool) -> None:
    assert bool(changes_of_provider.compare(old, new).replaces) is moved
