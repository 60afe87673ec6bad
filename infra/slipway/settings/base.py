"""Say what the settings of every kind of environment have, whatever else a kind has of its own."""

from abc import abstractmethod
from typing import TYPE_CHECKING

from slipway.settings.mlflow import Mlflow
from slipway.settings.signing import Signing
from slipway.settings.teams import Team
from slipway.values.section import Section


class AnySettings(Section):
    """The settings of an environment of any kind.

    Each kind declares these as fields, in its own order and words, or as properties where nobody writes them.
    """

    if TYPE_CHECKING:  # pydantic would take a declaration here for a field, and put it before those of the kind

        @property
        @abstractmethod
        def kind(self) -> str:
            """Which kind it is, by its name in `slipway.settings.kinds`."""

        @property
        @abstractmethod
        def slipway(self) -> str | None:
            """Least version of Slipway that may work on the environment."""

        @property
        @abstractmethod
        def namespace(self) -> str:
            """Namespace of models and of all that Slipway makes for them."""

        @property
        @abstractmethod
        def registry(self) -> str:
            """Registry that images are pushed to: host and path, without scheme."""

        @property
        @abstractmethod
        def base_image(self) -> str:
            """Image that models' images start from."""

        @property
        @abstractmethod
        def service_type(self) -> str:
            """How a model's Service is reached: a type of Kubernetes' Services."""

        @property
        @abstractmethod
        def models(self) -> tuple[object, ...] | None:
            """Models to deploy as they are written: names, or what a kind says of each of them."""

        @property
        @abstractmethod
        def teams(self) -> dict[str, Team] | None:
            """Teams that share the nodes, by the owners of their models; None where every model is equal."""

        @property
        @abstractmethod
        def signing(self) -> Signing | None:
            """Whose signature locks and images need; None where nothing is signed."""

        @property
        @abstractmethod
        def mlflow(self) -> Mlflow | None:
            """What MLflow is told of the environment; None for nothing."""

    @property
    def model_names(self) -> tuple[str, ...] | None:
        """The names of the models to deploy; None for every spec of the models folder."""
        return None if self.models is None else tuple(str(one) for one in self.models)
