"""Let moto's server answer, from what the stand-in keeps, the one reading call of Slipway's own that moto lacks.

`slipway up` asks AWS itself what a killed run left: of pod identity associations, by ListPodIdentityAssociations.
"""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slipway.local.plugins.aws.backend import KEPT
from slipway.local.plugins.aws.types.eks.pod_identity import KIND

_PATH = "{0}/clusters/(?P<name>[^/]+)/pod-identity-associations$"


def answer(state: Path) -> None:
    """Add the call to moto, before its server has answered anything. `state`: the folder of the stand-in."""
    from moto.eks import urls  # noqa: PLC0415 - moto reads its variables when it is imported

    def handler(_request: Any, full_url: str, _headers: Any) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(full_url)
        wanted = {key: values[0] for key, values in parse_qs(parts.query).items()}
        found = _associations(state, parts.path.split("/")[2], wanted)
        return 200, {"Content-Type": "application/json"}, json.dumps({"associations": found})

    urls.url_paths[_PATH] = handler


def _associations(state: Path, cluster: str, wanted: dict[str, str]) -> list[dict[str, str]]:
    file = state / KEPT
    records = json.loads(file.read_text()).get(KIND, {}) if file.exists() else {}
    found = []
    for key, record in records.items():
        name, _, identifier = key.partition(":")
        if name == cluster and all(record[field] == value for field, value in wanted.items()):
            about = {field: record[field] for field in ("namespace", "serviceAccount")}
            found.append({"clusterName": name, "associationId": identifier, **about})
    return found
