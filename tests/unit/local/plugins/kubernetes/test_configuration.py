"""The provider's configuration is honoured or refused by name; a kubeconfig that cannot be used says why."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from slipway.local.plugins.kubernetes.client import changes_of_provider, clusters
from slipway.local.plugins.kubernetes.client.clusters import Clusters
from slipway.local.plugins.kubernetes.client.kubeconfig import KubeconfigError, read
from slipway.local.plugins.kubernetes.client.settings import Settings, parse
from slipway.local.plugins.protocol.errors import SettingsError
from slipway.local.plugins.protocol.properties import UNKNOWN, Secret


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
    assert clusters.server(Settings(kubeconfig=str(path)), {}) == "https://127.0.0.1:1"
    assert clusters.server(Settings(kubeconfig=kubeconfig()), {}) == "https://127.0.0.1:1"
    assert clusters.server(Settings(kubeconfig=kubeconfig(), cluster="d"), {}) == "https://d"


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
        asyncio.run(Clusters().find(settings, {}))
    assert "t0ps3cret" not in str(caught.value)


def test_engines_with_the_same_kubeconfig_share_a_cluster_and_others_do_not() -> None:
    async def three() -> tuple[int, str]:
        known = Clusters()
        both = [Settings(kubeconfig=kubeconfig(), enablePatchForce=force) for force in (True, False)]
        same = [await known.find(settings, {}) for settings in both]
        other = await known.find(Settings(kubeconfig=kubeconfig("https://127.0.0.1:2")), {})
        await known.close()
        return len({id(cluster) for cluster in (*same, other)}), other.api.namespace

    assert asyncio.run(three()) == (2, "team")


def named(name: str, server: str, **more: Any) -> dict[str, Any]:
    """A kubeconfig with one context, cluster and user of that name."""
    return {
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority": "ca.crt"}}],
        "users": [{"name": name, "user": {"client-key": "/keys/key"}}],
        **more,
    }


@pytest.fixture
def callers(tmp_path: Path) -> dict[str, str]:
    """The environment of a caller with three files in KUBECONFIG, one of which is empty and one not there."""
    files = {"one": named("a", "https://a", **{"current-context": "a"}), "two": None, "three": named("b", "https://b")}
    for folder, config in files.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config").write_text("" if config is None else json.dumps(config))
    paths = [str(tmp_path / folder / "config") for folder in ("two", "nowhere", "one", "three")]
    return {"KUBECONFIG": ":".join(paths), "HOME": str(tmp_path)}


def test_every_context_in_the_files_of_the_callers_environment_can_be_used(callers: dict[str, str]) -> None:
    assert clusters.server(Settings(), callers) == "https://a"
    assert clusters.server(Settings(context="b"), callers) == "https://b"


def test_a_name_that_two_files_have_means_the_first_ones(callers: dict[str, str], tmp_path: Path) -> None:
    again = named("a", "https://again", **{"current-context": "c"})
    (tmp_path / "three" / "config").write_text(json.dumps(again))
    assert clusters.server(Settings(context="a"), callers) == "https://a"
    assert read(None, callers)["current-context"] == "a"


def test_paths_in_a_file_start_from_its_folder(callers: dict[str, str], tmp_path: Path) -> None:
    config = read(None, callers)
    authorities = [item["cluster"]["certificate-authority"] for item in config["clusters"]]
    assert authorities == [f"{tmp_path}/one/ca.crt", f"{tmp_path}/three/ca.crt"]
    assert {item["user"]["client-key"] for item in config["users"]} == {"/keys/key"}


def test_without_kubeconfig_in_the_callers_environment_his_home_is_looked_into(tmp_path: Path) -> None:
    with pytest.raises(KubeconfigError, match=f"kubeconfig {tmp_path}/.kube/config cannot be read"):
        read(None, {"HOME": str(tmp_path)})
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(json.dumps(named("h", "https://home")))
    assert clusters.server(Settings(context="h"), {"HOME": str(tmp_path)}) == "https://home"


def test_a_program_that_gives_credentials_runs_in_the_callers_environment() -> None:
    ways = {"command": "aws", "env": [{"name": "AWS_PROFILE", "value": "mine"}]}
    config = read(kubeconfig(exec=ways), {"PATH": "/his/bin", "AWS_PROFILE": "his"})
    given = {item["name"]: item["value"] for item in config["users"][0]["user"]["exec"]["env"]}
    assert given == {"PATH": "/his/bin", "AWS_PROFILE": "mine"}


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
    assert bool(changes_of_provider.compare(old, new, {}).replaces) is moved
