"""Find out before a rollout whether the Secrets are there that its pods need: for images, weights and variables."""

from http import HTTPStatus

from slipway.cluster.api import Cluster
from slipway.errors.base import Place, WrongValue
from slipway.errors.reaching import ApiRefused

At = tuple[Place, str]
"""Where the settings name a Secret, and what the field is called."""


def refuse_missing_pull_secret(cluster: Cluster, secret: str, registry: str, at: At) -> None:
    """Refuse to go on without the Secret that pods pull images with.

    Only its metadata is asked for. Who may not ask is not refused: the pods may still pull with it.

    Args:
        cluster: with the namespace of the models.
        secret: its name.
        registry: that images are pulled from.
        at: see `At`.

    Raises:
        WrongValue: it is not there.
    """
    allowed = "a Secret of type kubernetes.io/dockerconfigjson that is there before the models that pull with it"
    content = "--from-file=.dockerconfigjson=FILE"
    host = registry.partition("/")[0]
    file = f"where FILE has credentials for {host} as docker login writes them"
    _refuse_missing(cluster, secret, at, allowed, ("docker-registry", content, file))


def refuse_missing_store_secret(cluster: Cluster, secret: str, at: At) -> None:
    """Refuse to go on without the Secret that pods fetch weights with; as `refuse_missing_pull_secret`."""
    allowed = "a Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY that is there before the models that fetch"
    file = "where FILE has a line NAME=VALUE for each (of `slipway local up`: $SLIPWAY_MODEL_STORE_OF_PODS)"
    _refuse_missing(cluster, secret, at, allowed, ("generic", "--from-env-file=FILE", file))


def refuse_missing_variable_secret(cluster: Cluster, secret: str, key: str, at: At) -> None:
    """Refuse to go on without the Secret that a variable of a model's own server comes from.

    As `refuse_missing_pull_secret`. Whether it has the key is not asked: its content would be sent for that.
    """
    allowed = f"a Secret with the key {key} that is there before the model"
    file = f"where FILE has a line {key}=VALUE"
    _refuse_missing(cluster, secret, at, allowed, ("generic", "--from-env-file=FILE", file))


def refuse_missing_route_secret(cluster: Cluster, secret: str, key: str, at: At) -> None:
    """Refuse to go on without the Secret of a route: Alertmanager's operator would leave out all routes of the object.

    As `refuse_missing_variable_secret`.
    """
    allowed = f"a Secret with the key {key} that is there before the routes that name it"
    _refuse_missing(cluster, secret, at, allowed, ("generic", f"--from-file={key}=FILE", f"where FILE has the {key}"))


def refuse_missing_certificate(cluster: Cluster, secret: str, at: At) -> None:
    """Refuse to wait for a control side without its certificate; as `refuse_missing_pull_secret`."""
    allowed = "a Secret of type kubernetes.io/tls with the certificate of `control`"
    files = "with the certificate and its private key, as PEM"
    _refuse_missing(cluster, secret, at, allowed, ("tls", "--cert=FILE --key=FILE", files))


def _refuse_missing(cluster: Cluster, secret: str, at: At, allowed: str, how: tuple[str, str, str]) -> None:
    """`how`: what `kubectl create secret` is told: the kind, the content, and what that is, for people."""
    try:
        if cluster.exists("Secret", secret):
            return
    except ApiRefused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return
        raise
    place, field = at
    kind, content, file = how
    where = f"--context {cluster.context} --namespace {cluster.namespace}"
    problem = f"is no Secret of namespace {cluster.namespace} in context {cluster.context}"
    todo = f"make it: kubectl create secret {kind} {secret} {where} {content}, {file}"
    raise WrongValue(place, field, secret, problem, allowed, todo)
