"""Run small Pulumi programs against the stand-in provider and a real cluster, and look at what they did to it."""

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pulumi
from kubernetes import config
from pulumi import automation

CONTEXT = "slipway-local"
_VERSION = version("pulumi-kubernetes")
"""Given with every resource: an engine that is not told a version asks the internet for the newest."""
Manifest = dict[str, Any]
Program = Callable[[pulumi.ProviderResource], None]


class Daemon:
    """A running provider process."""

    def __init__(self, folder: Path) -> None:
        port_file, self.log = folder / "port", folder / "log"
        arguments = ["--port-file", str(port_file), "--log", str(self.log), "--verbose"]
        self.process = subprocess.Popen([sys.executable, "-m", "slipway.local.plugins.kubernetes", *arguments])
        until = time.monotonic() + 60
        while not port_file.exists():
            assert self.process.poll() is None, "the provider ended at once"
            assert time.monotonic() < until, "the provider wrote no port file within 60 s"
            time.sleep(0.05)
        self.port = port_file.read_text().strip()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0


class Cluster:
    """Raw access to the cluster, beside the provider."""

    def __init__(self) -> None:
        self.kubeconfig = os.environ["KUBECONFIG"].split(os.pathsep)[0]
        self._client = config.new_client_from_config(self.kubeconfig, context=CONTEXT)  # type: ignore[no-untyped-call]

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Manifest | None:
        """One request; None for 404."""
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        url = self._client.configuration.host + path
        response = self._client.rest_client.request(method, url, headers=headers, body=body)
        response.read()
        if response.status == 404:
            return None
        assert response.status < 400, f"{method} {path}: {response.status} {response.data[:500]!r}"
        found: Manifest = json.loads(response.data)
        return found

    @contextlib.contextmanager
    def namespace(self) -> Iterator[str]:
        """A namespace for one test, ready for pods."""
        name = f"provider-{uuid.uuid4().hex[:8]}"
        self.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        until = time.monotonic() + 60
        while self.call("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default") is None:
            assert time.monotonic() < until, "no default ServiceAccount within 60 s"
            time.sleep(0.05)
        try:
            yield name
        finally:
            self.call("DELETE", f"/api/v1/namespaces/{name}")


class Stack:
    """One stack with a backend of its own. `settings` are the provider's, `environ` what the engine's variables add."""

    def __init__(
        self, folder: Path, daemon: Daemon, cluster: Cluster, environ: dict[str, str] | None = None, /, **settings: Any
    ) -> None:
        self._backend = folder / "backend"
        workspace = folder / "workspace"
        for path in (self._backend, workspace):
            path.mkdir(parents=True, exist_ok=True)
        self.said = ""
        given = {"kubeconfig": cluster.kubeconfig, "context": CONTEXT, **settings}
        self._settings = {name: value for name, value in given.items() if value is not None}
        self._environment = {
            "PULUMI_BACKEND_URL": f"file://{self._backend}",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_DEBUG_PROVIDERS": f"kubernetes:{daemon.port}",
            **(environ or {}),
        }
        self._stack = automation.create_or_select_stack(
            "test",
            "provider-tests",
            program=lambda: None,
            # Without a folder of ours it makes one that nobody removes.
            opts=automation.LocalWorkspaceOptions(work_dir=str(workspace), env_vars=self._environment),
        )

    def stored(self) -> str:
        """The state as it lies in the backend, secrets encrypted."""
        files = [path for path in self._backend.rglob("*.json") if "stacks" in path.parts]
        assert files, "the backend holds no state"
        return "".join(path.read_text() for path in files)

    def _take(self, program: Program) -> None:
        def run() -> None:
            options = pulumi.ResourceOptions(version=_VERSION)
            provider = pulumi.ProviderResource("kubernetes", "cluster", dict(self._settings), options)
            program(provider)

        self._stack.workspace.program = run

    def _run(self, verb: Callable[..., Any], **options: Any) -> Any:
        lines: list[str] = []
        try:
            return verb(on_output=lines.append, on_error=lines.append, color="never", **options)
        finally:
            self.said = "\n".join(lines)

    def up(self, program: Program, **options: Any) -> dict[str, int]:
        """Deploy; how many resources were created, updated, the same ...; raises CommandError."""
        self._take(program)
        return dict(self._run(self._stack.up, **options).summary.resource_changes or {})

    def preview(self, program: Program) -> dict[str, int]:
        """Foresee; what would be done; `said` has the detailed difference."""
        self._take(program)
        return {str(key): count for key, count in self._run(self._stack.preview, diff=True).change_summary.items()}

    def refresh(self, program: Program) -> dict[str, int]:
        """Look at the cluster."""
        self._take(program)
        return dict(self._run(self._stack.refresh).summary.resource_changes or {})

    def destroy(self) -> None:
        """Take all away."""
        self._take(lambda _: None)
        self._run(self._stack.destroy)

    def failure(self, program: Program) -> str:
        """Deploy what must fail; everything that was said."""
        try:
            self.up(program)
        except automation.CommandError as error:
            return f"{self.said}\n{error}"
        raise AssertionError(f"this was to fail:\n{self.said}")

    def state(self) -> dict[str, Any]:
        """The stack's resources in its state, by name."""
        deployment = self._stack.export_stack().deployment
        return {item["urn"].rpartition("::")[2]: item for item in (deployment or {})["resources"]}


def thing(
    provider: pulumi.ProviderResource, name: str, token: str, manifest: Manifest, **options: Any
) -> pulumi.CustomResource:
    """Register an object of any kind by its type token."""
    return pulumi.CustomResource(
        f"kubernetes:{token}", name, manifest, pulumi.ResourceOptions(provider=provider, version=_VERSION, **options)
    )
