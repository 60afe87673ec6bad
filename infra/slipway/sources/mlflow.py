"""Read a file of a registered model's version from an MLflow server, and note there what serves, by its REST API."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from slipway.reading.files import BadFile
from slipway.sources.address import MlflowAddress, S3Address
from slipway.sources.refusals import ALLOWED, refused
from slipway.sources.s3 import S3File
from slipway.sources.transfer import Limits, Opened
from slipway.sources.web import Bearer, Web, WebFile, endpoint, words

_VARIABLE = "MLFLOW_TRACKING_URI"
_API = "api/2.0/mlflow"
_SAID_MOST = 300
_MAY_WRITE = "give who is named in MLFLOW_TRACKING_USERNAME or ~/.netrc the right to edit the registered model"
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


def number_of(address: MlflowAddress, limits: Limits) -> str:
    """The version that an address means now; raises `BadFile` where it means none, `SourceBroke` without an answer."""
    if address.version is not None:
        return address.version
    return _server(limits).version_of(address.name, address.alias or "")


def note(name: str, number: str, environment: str, serves: str, limits: Limits) -> None:
    """Note on a version of a registered model what of it serves in an environment, as a tag and an alias.

    Args:
        name: of the registered model.
        number: of its version.
        environment: where it serves.
        serves: what serves there, the tag's value.
        limits: what is waited for.

    Raises:
        BadFile: the server refuses it.
        SourceBroke: it does not answer.
    """
    server = _server(limits)
    tag = {"key": f"slipway.{environment}", "value": serves}
    server.tell("model-versions/set-tag", {"name": name, "version": number, **tag})
    server.tell("registered-models/alias", {"name": name, "alias": f"slipway-{environment}", "version": number})


@dataclass(frozen=True, slots=True)
class _Server:
    web: Web
    url: str

    def version_of(self, name: str, alias: str) -> str:
        """The version that an alias means now."""
        answer = self._ask("registered-models/alias", name=name, alias=alias)
        return str(answer.get("model_version", {}).get("version", ""))

    def folder(self, name: str, version: str) -> str:
        """The URI of the folder with the artifacts of a version, none of MLflow's own ways to name a run or a model."""
        uri = str(self._ask("model-versions/get-download-uri", name=name, version=version).get("artifact_uri", ""))
        named, _, below = uri.partition(":/")[2].lstrip("/").partition("/")
        if uri.startswith("runs:/"):
            run = self._ask("runs/get", run_id=named).get("run", {})
            return f"{run.get('info', {}).get('artifact_uri', '')}/{below}"
        if uri.startswith("models:/m-"):
            model = self._ask(f"logged-models/{quote(named, safe='')}").get("model", {})
            return f"{model.get('info', {}).get('artifact_uri', '')}/{below}"
        return uri

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

    def tell(self, what: str, value: Mapping[str, str]) -> None:
        """Change something of the registry; raises `BadFile` where it is refused, `SourceBroke` without an answer."""
        host, limits = urlsplit(self.url).netloc, self.web.limits
        with words(host):
            response = requests.post(
                f"{self.url}/{_API}/{what}",
                json=dict(value),
                auth=self.web.auth,
                allow_redirects=False,
                timeout=(limits.connect_s, limits.silence_s),
            )
        if response.status_code != 200:
            raise refused(response.status_code, host, _MAY_WRITE)

    def _ask(self, what: str, **query: str) -> Any:
        asked = f"?{urlencode(query)}" if query else ""
        response = replace(self.web, handled=(400, 401, 404)).read(f"{self.url}/{_API}/{what}{asked}")
        host, status = urlsplit(self.url).netloc, response.status_code
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if status == 401:
            raise refused(status, host, _TODO)
        if not isinstance(answer, dict):
            problem = f"cannot be looked up: {host} answers {status}, and not as MLflow does"
            raise BadFile(problem, ALLOWED, f"correct {_VARIABLE}")
        if status != 200:
            said = str(answer.get("message") or f"answers {status}")[:_SAID_MOST]
            raise BadFile(f"is not there: {host} says: {said}", ALLOWED, "correct the name, the version or the alias")
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
