"""Ask the admin API of an environment's keys service, by way of the API server's proxy.

Nothing of it is reached from outside of the cluster. Whoever may read Secret `keys-signing` signs a pass with the key
in it, and may administer keys by that; the proxy itself asks for `create` and `get` on `services/proxy`.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from slipway.catalog.pod_contract import KEYS_ADMIN_PORT
from slipway.cluster.api import Cluster
from slipway.cluster.passes import ADMIN_AUDIENCE, PASS_HEADER, signed_pass, signing_key
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Json
from slipway.values.names import KEYS, KEYS_SIGNING

_TIMEOUT_S = 20.0
_OURS = (HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


class NoKeys(SlipwayError):
    """The environment has no keys service: its settings have no gateway, or it is not deployed yet."""

    def __init__(self, environment: str, namespace: str) -> None:
        super().__init__(
            f"environment {environment} has no keys: Secret {namespace}/{KEYS_SIGNING} does not exist; next: "
            f"add `gateway` to its settings and run slipway up {environment}"
        )


class KeysAway(SlipwayError):
    """The keys service does not answer, or its database is away."""

    def __init__(self, environment: str, namespace: str, reason: str) -> None:
        super().__init__(
            f"the keys service of environment {environment} does not answer: {reason}; next: "
            f"kubectl -n {namespace} get pods -l app.kubernetes.io/component=keys shows "
            "what is wrong with it; then run the command again"
        )


class KeysRefused(SlipwayError):
    """The keys service refused what was asked, in its own words; nothing was changed."""

    exit_code = 1


class KeysAdmin:
    """The admin API of one environment.

    Every call may raise `NoKeys`, `KeysAway`, `KeysRefused` and what `Cluster` raises.
    """

    def __init__(self, cluster: Cluster, environment: str) -> None:
        """No request is made yet."""
        self._cluster = cluster
        self._environment = environment

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """Ask for one JSON document."""
        return self._answer("GET", f"{path}?{urlencode(query)}" if query else path, None)

    def post(self, path: str, body: Json) -> Json:
        """Change something; gives the JSON document of the answer."""
        return self._answer("POST", path, body)

    def wake(self, model: str) -> Json:
        """Ask for a replica of a model that may have none, as a client that waits would, for the next 30 s."""
        return self.post(f"/admin/models/{model}/wake", {})

    def _answer(self, method: str, path: str, body: Json | None) -> Json:
        key = signing_key(self._cluster)
        if key is None:
            raise NoKeys(self._environment, self._cluster.namespace)
        try:
            answer = self._cluster.through_service(
                KEYS,
                path,
                None if body is None else json.dumps(body).encode(),
                "application/json",
                _TIMEOUT_S,
                headers={PASS_HEADER: signed_pass(key, ADMIN_AUDIENCE)},
                method=method,
                port=str(KEYS_ADMIN_PORT),
            )
        except ApiRefused as error:
            raise self._meaning(error) from error
        return cast(Json, json.loads(answer))

    def _meaning(self, error: ApiRefused) -> SlipwayError:
        """What an answer other than 2xx says: the API server's own refusals look like those of the service."""
        away = error.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
        if error.status == HTTPStatus.NOT_FOUND and not self._cluster.exists("Service", KEYS):
            return KeysAway(self._environment, self._cluster.namespace, f"there is no Service {KEYS}")
        if away:
            return KeysAway(self._environment, self._cluster.namespace, error.message)
        return KeysRefused(error.message) if error.status in _OURS else error
