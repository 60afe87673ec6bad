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

    def __init__(self, environment: str, model: ModelPlan, judged: Judged, commit: str | None) -> None:
        """`commit`: the one it was deployed from, with a `+` where files had changes that are not in it, or None."""
        live = short(judged.release)
        problem = f"release {live} serves and was judged right, and the files here plan {model.release}"
        todo = "check out the commit that it was deployed from"
        if commit is not None:
            todo = f"git checkout {commit.removesuffix('+')}"
            todo += " (there were changes that are not in it)" if commit.endswith("+") else ""
        todo += f", or deploy and judge these files first: slipway up {environment} {model.name}"
        super().__init__(
            Place(f"environment {environment}"), f"model {model.name}", problem, "files that plan what was judged", todo
        )


class BuiltThere(UserError):
    """The next environment runs the same release with an image of its own."""

    def __init__(self, environment: str, model: ModelPlan, judged: Judged) -> None:
        problem = f"runs release {model.release} already, with an image that was built there from the same sources"
        allowed = f"the image {judged.digest}, or another release"
        todo = "promote the next release whose image differs"
        super().__init__(Place(f"environment {environment}"), f"model {model.name}", problem, allowed, todo)


class RolledBack(UserError):
    """Somebody took the release back in the next environment."""

    def __init__(self, first: str, second: str, model: ModelPlan, said: str) -> None:
        problem = f"release {model.release} was rolled back: {said}"
        todo = f"promote another, or this one with: slipway promote {first} {second} {model.name} --again"
        allowed = "a release that was not rolled back there"
        super().__init__(Place(f"environment {second}"), f"model {model.name}", problem, allowed, todo)


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
