"""Read a file of a registered model's version from an MLflow server, by its REST API."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from requests.auth import AuthBase, HTTPBasicAuth

from slipway.reading.files import BadFile
from slipway.sources.address import MlflowAddress, S3Address
from slipway.sources.refusals import ALLOWED
from slipway.sources.s3 import S3File
from slipway.sources.transfer import Limits, Opened
from slipway.sources.web import Bearer, Web, WebFile, endpoint

_VARIABLE = "MLFLOW_TRACKING_URI"
_API = "api/2.0/mlflow"
_TODO = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, of one who may read it"


@dataclass(frozen=True, slots=True)
class MlflowFile:
    """A file of a registered model, as an `Origin`: where it lies is asked of the server MLFLOW_TRACKING_URI names."""

    address: MlflowAddress
    limits: Limits

    @contextmanager
    def open(self, offset: int, version: str | None) -> Iterator[Opened]:
        """See `Origin`."""
        server, address = _server(self.limits), self.address
        number = (
            address.version if address.version is not None else server.version_of(address.name, address.alias or "")
        )
        with server.file(server.folder(address.name, number), address.file).open(offset, version) as opened:
            yield opened


@dataclass(frozen=True, slots=True)
class _Server:
    web: Web
    url: str

    def version_of(self, name: str, alias: str) -> str:
        """The version that an alias means now."""
        answer = self._ask("registered-models/alias", name=name, alias=alias)
        return str(answer.get("model_version", {}).get("version", ""))

    def folder(self, name: str, version: str) -> str:
        """Where the artifacts of a version are, as MLflow names it."""
        return str(self._ask("model-versions/get-download-uri", name=name, version=version).get("artifact_uri", ""))

    def file(self, folder: str, name: str) -> WebFile | S3File:
        """A file below such a folder."""
        parts = urlsplit(folder)
        path = f"{parts.path.strip('/')}/{name}".lstrip("/")
        if parts.scheme == "s3" and parts.netloc:
            return S3File(S3Address(parts.netloc, path), self.web.limits)
        if parts.scheme == "mlflow-artifacts" and ".." not in path.split("/"):
            # Its host, where one is written, is that of the server that was asked.
            return WebFile(self.web, f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{quote(path)}")
        kept = f"{parts.scheme}://" if parts.scheme else "a folder of the server"
        raise BadFile(
            f"is kept by MLflow in {kept}, which cannot be read from here",
            "artifacts that the MLflow server hands out (--serve-artifacts), or that are in S3",
            "start the server with --serve-artifacts, or name the file by another source",
        )

    def _ask(self, what: str, **query: str) -> Any:
        response = self.web.read(f"{self.url}/{_API}/{what}?{urlencode(query)}")
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.status_code != 200 or not isinstance(answer, dict):
            host = urlsplit(self.url).netloc
            problem = f"cannot be looked up: {host} answers {response.status_code}, and not as MLflow does"
            raise BadFile(problem, ALLOWED, _TODO if response.status_code == 401 else f"correct {_VARIABLE}")
        return answer


def _server(limits: Limits) -> _Server:
    named = os.environ.get(_VARIABLE, "")
    if not named.startswith(("http://", "https://")):
        found = f"is {named.partition(':')[0]}:" if named else "is not set"
        problem = f"is on no MLflow server: {_VARIABLE} {found}"
        raise BadFile(problem, f"{_VARIABLE}=https://HOST", f"set {_VARIABLE} to your MLflow server")
    auth = _auth()
    return _Server(Web(limits, _TODO, auth), endpoint(_VARIABLE, named, credential=auth is not None))


def _auth() -> AuthBase | None:
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    if user and password:
        return HTTPBasicAuth(user, password)
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return Bearer(token) if token else None
