"""The kubernetes provider of a rehearsal: the one of the local environment, and beside it a stand-in for Helm releases.

No chart repository can be reached and no chart would run on kwok's nodes: a release is checked against the arguments
that pulumi-kubernetes knows, and kept. Everything else is done on the real API server. Pods that EKS would admit
without the credentials of their role, because it does not know of it yet, are refused: nothing would ever mend them.
"""

# ruff: noqa: N802 (the protocol names its methods)

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2
from pulumi_kubernetes.helm.v3 import ReleaseArgs, RepositoryOptsArgs

from slipway.local.plugins.aws import consistency
from slipway.local.plugins.aws.kept import Kept
from slipway.local.plugins.kubernetes.client import kinds
from slipway.local.plugins.kubernetes.client.connections import Connection, Connections
from slipway.local.plugins.kubernetes.service import Provider
from slipway.local.plugins.protocol.calls import answering
from slipway.local.plugins.protocol.errors import OperationError
from slipway.local.plugins.protocol.properties import Object, decode, encode, plain
from slipway.local.plugins.protocol.server import asked_to_stop, serving
from slipway.local.plugins.protocol.service import changed_keys, difference

RELEASE = "kubernetes:helm.sh/v3:Release"
KIND = "helm.release"
"""Of the records."""
_FIXED = ("name", "namespace")
_WHAT = "this rehearsal's Kubernetes plugin"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _inputs_of(args: type) -> frozenset[str]:
    """The inputs that a class of the SDK knows, in the spelling of the wire."""
    return frozenset(_camel(name) for name, value in vars(args).items() if isinstance(value, property))


_KNOWN = _inputs_of(ReleaseArgs)
_KNOWN_OF_REPOSITORY = _inputs_of(RepositoryOptsArgs)


class RehearsalProvider(Provider):
    """As the local environment's, with Helm releases that are kept and not installed."""

    def __init__(self, connections: Connections, kept: Kept, aws: Path) -> None:
        super().__init__(connections)
        self._kept = kept
        self._aws = aws

    async def Check(self, request: Any, context: Any) -> Any:
        """Complete and refuse inputs."""
        return await (self._check(request, context) if _is_release(request) else super().Check(request, context))

    async def Diff(self, request: Any, context: Any) -> Any:
        """What an update would change."""
        return await (self._diff(request, context) if _is_release(request) else super().Diff(request, context))

    async def Create(self, request: Any, context: Any) -> Any:
        """Make an object, or keep a release."""
        if not request.preview and (problem := self._too_early(request)):
            return await self._refuse(problem, context)
        return await (self._create(request, context) if _is_release(request) else super().Create(request, context))

    async def Update(self, request: Any, context: Any) -> Any:
        """Change an object, or keep a release's change."""
        return await (self._update(request, context) if _is_release(request) else super().Update(request, context))

    async def Read(self, request: Any, context: Any) -> Any:
        """Look at an object, or at what is kept."""
        return await (self._read(request, context) if _is_release(request) else super().Read(request, context))

    async def Delete(self, request: Any, context: Any) -> Any:
        """Delete an object, or forget a release."""
        return await (self._delete(request, context) if _is_release(request) else super().Delete(request, context))

    def _too_early(self, request: Any) -> str:
        """What is wrong with pods that start now, by what the stand-in for AWS keeps."""
        given = plain(decode(request.properties))
        namespace, accounts = accounts_of(given) if _is_release(request) else accounts_of_workload(given)
        identities = Kept(self._aws).all().get(consistency.POD_IDENTITY, {})
        return "; ".join(consistency.too_early(identities, namespace, accounts))

    @answering
    async def _refuse(self, problem: str, _connection: Connection) -> Any:
        raise OperationError(problem)

    @answering
    async def _check(self, request: Any, _connection: Connection) -> Any:
        inputs = decode(request.news)
        # A name that nobody gave is drawn by the real plugin; one that follows from the resource's is kinder to tests.
        inputs.setdefault("name", kinds.urn_name(request.urn))
        inputs.setdefault("namespace", "default")
        failures = [provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in refusals(plain(inputs))]
        return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)

    @answering
    async def _diff(self, request: Any, _connection: Connection) -> Any:
        old, new = plain(decode(request.old_inputs)), plain(decode(request.news))
        changed = changed_keys(old, new)
        return difference(changed, [key for key in changed if key in _FIXED], delete_first=True)

    @answering
    async def _create(self, request: Any, connection: Connection) -> Any:
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=request.properties)
        connection.configured()
        identifier = f"{plain(inputs)['namespace']}/{plain(inputs)['name']}"
        if self._kept.get(KIND, identifier) and not plain(inputs).get("replace"):
            raise OperationError("cannot re-use a name that is still in use")  # in Helm's words
        state = await self._keep(connection, request.urn, identifier, inputs, 1)
        return provider_pb2.CreateResponse(id=identifier, properties=encode(state))

    @answering
    async def _update(self, request: Any, connection: Connection) -> Any:
        inputs = decode(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        record = self._kept.get(KIND, request.id)
        if record is None:
            raise OperationError(f'"{request.id}" has no deployed releases')
        state = await self._keep(connection, request.urn, request.id, inputs, record["revision"] + 1)
        return provider_pb2.UpdateResponse(properties=encode(state))

    @answering
    async def _read(self, request: Any, connection: Connection) -> Any:
        record = self._kept.get(KIND, request.id)
        if record is None:
            return provider_pb2.ReadResponse()
        inputs = decode(request.inputs) or record["inputs"]
        state = _state(inputs, record["revision"])
        return provider_pb2.ReadResponse(id=request.id, properties=encode(state), inputs=encode(inputs))

    @answering
    async def _delete(self, request: Any, connection: Connection) -> Any:
        connection.configured()
        self._kept.remove(KIND, request.id)
        return Empty()

    async def _keep(
        self, connection: Connection, urn: str, identifier: str, inputs: Object, revision: int
    ) -> dict[str, Any]:
        given = plain(inputs)
        self._kept.put(KIND, identifier, {"inputs": given, "revision": revision})
        chart = f"chart {given['chart']} {given.get('version', '(no version)')}"
        await connection.engine.info(f"{chart}: kept by the rehearsal, not installed", urn)
        return _state(inputs, revision)


def _state(inputs: Object, revision: int) -> Object:
    given = plain(inputs)
    status = {
        "name": given["name"],
        "namespace": given["namespace"],
        "revision": revision,
        "status": "deployed",
        "chart": given["chart"],
        "version": given.get("version", ""),
    }
    return {**inputs, "status": status}


def refusals(inputs: Object) -> list[tuple[str, str]]:
    """What is wrong with a release's inputs, by key."""
    found = [(key, f"{RELEASE} has no input {key}") for key in inputs if key not in _KNOWN]
    options = inputs.get("repositoryOpts") or {}
    found += [
        (f"repositoryOpts.{key}", f"RepositoryOpts of {RELEASE} has no input {key}")
        for key in options
        if key not in _KNOWN_OF_REPOSITORY
    ]
    if not inputs.get("chart"):
        found.append(("chart", f"{RELEASE} needs a chart"))
    if not inputs.get("version"):
        found.append(("version", "a release without a version installs whatever is newest"))
    return found


def accounts_of(release: Object) -> tuple[str, frozenset[str]]:
    """The namespace of a release, and what may be names of ServiceAccounts in its values: each of their texts."""
    return release["namespace"], frozenset(_texts(release.get("values") or {}))


def accounts_of_workload(manifest: Object) -> tuple[str, frozenset[str]]:
    """The namespace of a Deployment or the like, and the ServiceAccount of its pods; none of what has no pods."""
    pod = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    account = pod.get("serviceAccountName")
    return (manifest.get("metadata") or {}).get("namespace", ""), frozenset([account] if account else [])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _is_release(request: Any) -> bool:
    return kinds.urn_type(request.urn) == RELEASE


async def _serve(state: Path, aws: Path) -> None:
    kept = Kept(state)
    async with serving(lambda environment_of: RehearsalProvider(Connections(environment_of), kept, aws), _WHAT) as port:
        stop = asked_to_stop()
        print(json.dumps({"port": port}), flush=True)
        await stop.wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.rehearsal.kubernetes_provider", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="file for the releases that are kept")
    parser.add_argument("--aws", type=Path, required=True, help="file of what the stand-in for AWS keeps")
    args = parser.parse_args()
    asyncio.run(_serve(args.state, args.aws))


if __name__ == "__main__":
    main()
