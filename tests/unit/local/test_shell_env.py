"""The variables of the local environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.utils import should_bypass_proxies

from slipway.local.cluster import facts
from slipway.local.docker import base_image
from slipway.local.host import paths
from slipway.local.shell_env import exports, render


def test_only_the_parts_that_run_set_their_variables() -> None:
    variables = render({"PATH": "/bin"}, provider_port=None, docker_host=None, own_cluster=False)
    depending = {"KUBECONFIG", "PULUMI_DEBUG_PROVIDERS", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "DOCKER_HOST"}
    assert not depending & variables.keys()


def test_every_running_part_sets_its_variable() -> None:
    variables = render({"HOME": "/nowhere"}, provider_port=4711, docker_host="unix:///s", own_cluster=True)
    assert variables["PULUMI_DEBUG_PROVIDERS"] == "kubernetes:4711"
    assert variables["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert variables["DOCKER_HOST"] == "unix:///s"
    assert variables["KUBECONFIG"] == str(paths.KUBECONFIG)


def test_contexts_of_the_callers_own_kubeconfigs_stay_usable(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    files = [tmp_path / ".kube" / "config", tmp_path / "one", tmp_path / "two"]
    for file in files:
        file.touch()

    def merged(**base: str) -> list[str]:
        base = {"HOME": str(tmp_path), **base}
        variables = render(base, provider_port=None, docker_host=None, own_cluster=True)
        assert render({**base, **variables}, provider_port=None, docker_host=None, own_cluster=True) == variables
        return variables["KUBECONFIG"].split(os.pathsep)

    ours = str(paths.KUBECONFIG)
    assert merged() == [ours, str(files[0])]
    assert merged(KUBECONFIG=f"{files[1]}:{tmp_path}/nothing:{files[2]}") == [ours, str(files[1]), str(files[2])]
    assert merged(HOME="/nowhere") == [ours]


def test_the_base_image_is_named_by_the_digest_that_was_pushed_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(base_image, "_PUSHED", tmp_path / "base-image.json")
    assert base_image.pinned() is None
    (tmp_path / "base-image.json").write_text(json.dumps({"inputs": "1", "digest": "sha256:abc"}))
    assert base_image.pinned() == f"{base_image.IMAGE}@sha256:abc"
    variables = render({}, provider_port=None, docker_host=None, own_cluster=False, base_image=base_image.pinned())
    assert variables["SLIPWAY_BASE_IMAGE"] == f"{base_image.IMAGE}@sha256:abc"


def test_no_proxy_leads_to_the_local_environment_and_what_was_there_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.com, .corp", "no_proxy": "other.example.com"}
    variables = render(before, provider_port=None, docker_host=None, own_cluster=False)
    assert variables["NO_PROXY"] == variables["no_proxy"]
    entries = variables["NO_PROXY"].split(",")
    assert entries[:3] == ["example.com", ".corp", "other.example.com"]
    for address in (facts.API_URL, f"http://{facts.REGISTRY}", "http://127.0.0.1:30123", "http://localhost:1"):
        assert should_bypass_proxies(address, variables["NO_PROXY"]), address
        monkeypatch.setenv("no_proxy", variables["no_proxy"])
        assert proxy_bypass(str(urlsplit(address).hostname)), f"{address}: urllib reads no ranges"
    assert not should_bypass_proxies("https://pypi.org", variables["NO_PROXY"])
    assert render(variables, provider_port=None, docker_host=None, own_cluster=False)["NO_PROXY"] == ",".join(entries)


def test_our_programs_come_first_on_path_and_once() -> None:
    once = render({"PATH": "/usr/bin:/bin"}, provider_port=None, docker_host=None, own_cluster=False)
    twice = render(once, provider_port=None, docker_host=None, own_cluster=False)
    assert once["PATH"].split(os.pathsep)[0] == str(paths.STATE_BIN)
    assert once["PATH"].endswith("/usr/bin:/bin")
    assert twice["PATH"] == once["PATH"]


def test_a_stale_port_is_replaced_and_other_providers_stay() -> None:
    base = {"PULUMI_DEBUG_PROVIDERS": "aws:1,kubernetes:2"}
    variables = render(base, provider_port=3, docker_host=None, own_cluster=False)
    assert variables["PULUMI_DEBUG_PROVIDERS"] == "aws:1,kubernetes:3"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_shell_reads_back_whatever_value_was_exported(value: str) -> None:
    text = exports({"PROBE": value}) + 'printf %s "$PROBE"'
    answer = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True)
    assert answer.stdout.decode() == value


def test_the_folders_follow_the_xdg_variables_only_when_these_are_absolute() -> None:
    code = "from slipway.local.host import paths; print(paths.CACHE, paths.STATE)"

    def folders(**variables: str) -> list[str]:
        env = {"HOME": "/home/p", "PATH": os.environ["PATH"], **variables}
        answer = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        return answer.stdout.split()

    assert folders() == ["/home/p/.cache/slipway", "/home/p/.local/state/slipway/local"]
    assert folders(XDG_CACHE_HOME="/c", XDG_STATE_HOME="/s") == ["/c/slipway", "/s/slipway/local"]
    assert folders(XDG_CACHE_HOME="c")[0] == "/home/p/.cache/slipway"
