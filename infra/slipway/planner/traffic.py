"""Plan the route to a model, and refuse routes of an environment that nobody could tell apart."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from slipway.capacity.estimates import Cost
from slipway.environments.planning.gateway import PAGE_PATH, Gateway
from slipway.errors.base import UserError, UserErrors, WrongValue
from slipway.loading.specs import LoadedSpec
from slipway.plan.traffic import Dialled, Feedback, Traffic
from slipway.spec.endpoint import Price
from slipway.spec.model import ModelSpec
from slipway.spec.quality import Quality
from slipway.values import names
from slipway.values.hosts import is_below, path_contains

_TAKEN = (names.GATEWAY, names.KEYS, names.KEYS_DATABASE)
"""Names of an environment's own objects, which a model's would be, too."""
_PLACES = 12
_HOUR_S = 3600
MOST_WAIT_S = 300
"""Longer than most clients wait for an answer."""


def route(gateway: Gateway, spec: ModelSpec, cost: Cost | None, cold_start_s: int) -> Traffic | None:
    """The route to a model, None for one that is not public.

    A spec without prices gets that of a second on one of its replicas, where `cost` is known. `cold_start_s` is how
    long a replica may take until it answers, its node included.
    """
    endpoint = spec.endpoint
    if not endpoint.public:
        return None
    host, path = _address(gateway, spec)
    return Traffic(
        model=spec.name,
        host=host,
        path=path,
        url=gateway.url(host) + path.rstrip("/"),
        auth=endpoint.auth,
        oidc=endpoint.oidc,
        rate=endpoint.rate_limit,
        origins=endpoint.cors.origins if endpoint.cors else (),
        price=_of_a_replica(spec, cost) if endpoint.price is None else _written(endpoint.price),
        included_calls=endpoint.price.included_calls if endpoint.price else None,
        timeout_s=endpoint.timeout,
        wait_s=min(cold_start_s, MOST_WAIT_S) if spec.scale.to_zero else None,
        members=spec.pipeline.models if spec.pipeline is not None else (),
        page=endpoint.page,
        grpc=Dialled(gateway.grpc_host, gateway.grpc_target) if endpoint.grpc else None,
        feedback=None if spec.quality is None else _feedback(spec.quality),
    )


def _feedback(quality: Quality) -> Feedback:
    return Feedback(quality.task, quality.positive, quality.labels_within, quality.window)


def _address(gateway: Gateway, spec: ModelSpec) -> tuple[str, str]:
    return spec.endpoint.host or gateway.domain, spec.endpoint.path or f"/models/{spec.name}"


def _written(price: Price) -> Mapping[str, Decimal]:
    fields = ("per_call", "per_second", "per_token", "per_month")
    return {name: usd for name in fields if (usd := getattr(price, name)) is not None}


def _of_a_replica(spec: ModelSpec, cost: Cost | None) -> Mapping[str, Decimal]:
    if cost is None:
        return {}
    # A model that sleeps has no replica then, and costs nothing.
    rate, replicas = (cost.at_min, spec.scale.min) if spec.scale.fewest else (cost.at_max, spec.scale.max)
    return {"per_second": round(rate / replicas / _HOUR_S, _PLACES)}


def refuse_routes(environment: str, gateway: Gateway, loaded: Sequence[LoadedSpec]) -> None:
    """Refuse models that cannot be behind an environment's gateway together.

    Raises:
        UserErrors: a host outside the gateway's domain, a path that leads to two models or to the page of keys, a name
            that one of the gateway's own objects has.
    """
    found: list[UserError] = []
    before: list[LoadedSpec] = []
    for one in sorted(loaded, key=lambda spec: spec.name):
        if one.name in _TAKEN:
            place, field = one.locate(environment, ("name",))
            problem = "is the name of an object that every environment with a gateway has"
            allowed = f"a name other than {', '.join(_TAKEN)}"
            found.append(WrongValue(place, field, one.name, problem, allowed, "rename the model"))
        if one.variant(environment).spec.endpoint.public:
            found += _of_one(environment, gateway, one, before)
            before.append(one)
    if found:
        raise UserErrors(found)


def _of_one(environment: str, gateway: Gateway, one: LoadedSpec, before: Sequence[LoadedSpec]) -> Iterator[UserError]:
    """What is wrong with the route to one model; `before`: the models whose routes were looked at."""
    host, path = _address(gateway, one.variant(environment).spec)
    if not is_below(host, gateway.domain):
        place, field = one.locate(environment, ("endpoint", "host"))
        problem = f"is outside the gateway's domain, for which its certificate is: {gateway.domain}"
        todo = f"write for example {one.name}.{gateway.domain}, or leave it out"
        yield WrongValue(place, field, host, problem, f"{gateway.domain} or a name below it", todo)
    if host == gateway.grpc_host:
        place, field = one.locate(environment, ("endpoint", "host"))
        problem = "is the host for gRPC, of all models that speak it"
        todo = f"write for example {one.name}.{gateway.domain}, or leave it out"
        yield WrongValue(place, field, host, problem, f"a name of {gateway.domain} other than that", todo)
    place, field = one.locate(environment, ("endpoint", "path"))
    allowed = "a path of its own, neither above nor below that of another model on the same host"
    if host == gateway.domain and (path_contains(PAGE_PATH, path) or path == "/"):
        problem = f"leads to the page of the keys service, {PAGE_PATH} of {host}"
        yield WrongValue(place, field, path, problem, allowed, f"write for example /models/{one.name}")
    for other in before:
        their_host, their_path = _address(gateway, other.variant(environment).spec)
        if host == their_host and (path_contains(path, their_path) or path_contains(their_path, path)):
            where = other.locate(environment, ("endpoint", "path"))[0]
            problem = f"also leads to model {other.name}, whose path on {host} is {their_path} ({where})"
            yield WrongValue(place, field, path, problem, allowed, f"write for example /models/{one.name}")
