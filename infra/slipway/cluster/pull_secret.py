"""Find out before a rollout whether the Secret is there that its pods pull images with."""

from http import HTTPStatus

from slipway.cluster.api import Cluster
from slipway.errors.base import Place, WrongValue
from slipway.errors.reaching import ApiRefused


def refuse_missing_pull_secret(cluster: Cluster, secret: str, registry: str, at: tuple[Place, str]) -> None:
    """Refuse to go on without a Secret in the cluster's namespace.

    Only its metadata is asked for. Who may not ask is not refused: the pods may still pull with it.

    Args:
        cluster: with the namespace of the models.
        secret: its name.
        registry: that images are pulled from.
        at: where the settings name the Secret, and what the field is called.

    Raises:
        WrongValue: it is not there.
    """
    try:
        if cluster.exists("Secret", secret):
            return
    except ApiRefused as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return
        raise
    place, field = at
    where = f"--context {cluster.context} --namespace {cluster.namespace}"
    raise WrongValue(
        place,
        field,
        secret,
        f"is no Secret of namespace {cluster.namespace} in context {cluster.context}",
        "a Secret of type kubernetes.io/dockerconfigjson that is there before the models that pull with it",
        f"make it: kubectl create secret docker-registry {secret} {where} --from-file=.dockerconfigjson=FILE, "
        f"where FILE has credentials for {registry.partition('/')[0]} as docker login writes them",
    )
