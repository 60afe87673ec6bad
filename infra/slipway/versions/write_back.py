"""Note on MLflow's registered models what serves where. What serves is never failed by a note that was not written."""

from collections.abc import Callable
from dataclasses import dataclass

from slipway.deploy.models import ModelResult
from slipway.history.entry import Entry
from slipway.plan.release import Release
from slipway.planner.environment import ModelPlan
from slipway.reading.files import BadFile
from slipway.settings.base import AnySettings
from slipway.sources.address import MlflowAddress, is_address, parse_address
from slipway.sources.mlflow import note, number_of
from slipway.sources.refusals import SourceBroke
from slipway.sources.store import Store
from slipway.sources.transfer import Limits
from slipway.values.names import short

_NAMED = "name the version in artifact.source, as mlflow://NAME/VERSION"


@dataclass(frozen=True)
class WriteBack:
    """Notes in the registry what serves in one environment, if its settings say so; `tell` gets a line of each."""

    environment: str
    settings: AnySettings
    tell: Callable[[str], None]

    def deployed(self, model: ModelPlan, done: ModelResult) -> None:
        """Note a release that was judged right and serves."""
        source = model.spec.artifact
        if source is not None and done.kept is not None and done.error is None and not done.judged_on:
            self._note(source.address, source.sha256, done.kept)

    def rolled_back(self, release: Release, entry: Entry | None) -> None:
        """Note a release that somebody went back to. `entry`: of the history, which says where its weights are from."""
        contents = entry.contents if entry is not None else None
        if contents is not None and contents.source is not None and is_address(contents.source):
            self._note(parse_address(contents.source), None, release)

    def _note(self, address: object, sha256: str | None, release: Release) -> None:
        mlflow = self.settings.mlflow
        if mlflow is None or not mlflow.write_back or not isinstance(address, MlflowAddress):
            return
        serves = f"{release.version} release {short(release.digest)}"
        try:
            number = _meant(address, sha256)
            note(address.name, number, self.environment, serves, Limits())
        except (BadFile, SourceBroke) as error:
            todo = error.todo if isinstance(error, BadFile) else "see that it answers, and tag the version by hand"
            self.tell(
                f"warning: {release.model}: {address} {error}: MLflow does not know that {serves} serves in "
                f"{self.environment}; the model is not touched by that; next: {todo}"
            )
            return
        self.tell(f"{release.model}: noted on version {number} of {address.name} in MLflow")


def _meant(address: MlflowAddress, sha256: str | None) -> str:
    """The version that the weights came from. An alias may have moved since: its file is digested once more."""
    number = number_of(address, Limits())
    if address.alias is None:
        return number
    if sha256 is None:
        raise BadFile("is an alias, which may have meant another version then", "a version", _NAMED)
    found, _ = Store().look_up(MlflowAddress(address.name, number, None, address.file))
    if found != sha256:
        raise BadFile(f"means version {number} now, which has other weights", "the version that was deployed", _NAMED)
    return number
