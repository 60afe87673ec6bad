"""Find what was judged right in an environment and serves there: nothing else is promoted."""

from dataclasses import dataclass

from slipway.deploy.ports import ClusterApi
from slipway.deploy.record import live_model, saved
from slipway.errors.base import Place, UserError
from slipway.plan.model import ModelPlan
from slipway.values.names import short


@dataclass(frozen=True, slots=True)
class Judged:
    """What serves of a model and was judged right. `image`: `repository@sha256:...`; `release`: 64 hex digits."""

    version: str
    release: str
    image: str

    @property
    def digest(self) -> str:
        """The image's digest."""
        return self.image.partition("@")[2]


class NotJudged(UserError):
    """A model cannot be promoted from where it does not serve what was judged right."""

    def __init__(self, environment: str, model: str, problem: str) -> None:
        allowed = "a release that serves there and answered its golden request"
        todo = f"`slipway status {environment}` shows what is there, `slipway up {environment} {model}` deploys it"
        super().__init__(Place(f"environment {environment}"), f"model {model}", problem, allowed, todo)


class NotPlanned(UserError):
    """What serves in the first environment is not what the files here say: the second would get something else."""

    def __init__(self, environment: str, model: ModelPlan, live: str, todo: str) -> None:
        problem = f"release {short(live)} serves and was judged right, and the files here plan {model.release}"
        allowed = "files that plan what was judged"
        super().__init__(Place(f"environment {environment}"), f"model {model.name}", problem, allowed, todo)


def judged_release(cluster: ClusterApi, environment: str, model: str) -> Judged:
    """What serves of a model and was judged right; `NotJudged` where there is no such release."""
    live = live_model(cluster, model)
    if live is None:
        raise NotJudged(environment, model, "is not live")
    if not live.serves_verified:
        raise NotJudged(
            environment, model, f"release {live.release} does not serve, or was not judged right as it is now"
        )
    record = saved(cluster, model)
    if record is None or short(record.digest) != live.release:
        raise NotJudged(environment, model, f"release {live.release} has no record")
    return Judged(record.version, record.digest, record.image)
