"""Define what a person may write about a fleet of devices: the settings of an environment of kind `edge`."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.catalog.hardware import Hardware, hardware
from slipway.settings.base import AnySettings
from slipway.settings.edge_cluster import EdgeCluster
from slipway.settings.edge_links import Link, refuse_links
from slipway.settings.edge_models import FleetModel, OneModel
from slipway.settings.edge_rings import Away, Ring, Stop, Success
from slipway.settings.kubernetes import refuse_repeated
from slipway.settings.mlflow import Mlflow
from slipway.settings.requirement import Requirement
from slipway.settings.signing import Signing
from slipway.settings.teams import Team
from slipway.settings.values import BaseImage, Registry, line
from slipway.values.quantities import DnsLabel, ModelName, Seconds, refusal
from slipway.values.section import Section, amount, empty, left_out


class Device(Section):
    """One device of the fleet."""

    name: DnsLabel = Field(description="Name of the device; no two share one.", examples=["pi-001"])
    hardware: DnsLabel = Field(
        description="Its class: one that Slipway ships, or of the field `hardware` of the settings.",
        examples=["raspberry-pi-5"],
    )
    site: DnsLabel = Field(description="Where it stands: one of `sites`.", examples=["berlin"])


class EdgeSettings(AnySettings):
    """A fleet: devices at sites, each with a Docker Engine or Kubernetes, and an agent that asks what it should run."""

    kind: Literal["edge"] = Field(description="What the environment is: a fleet of devices.", examples=["edge"])
    slipway: Requirement | None = Field(
        default=None,
        description="Least version of Slipway that may work on the environment, in quotes; an older one refuses to.",
        examples=['">=0.2"'],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    control: Annotated[str, *line(253, "https://fleet.example.com:8443")] = Field(
        description="Where devices reach the control side, `slipway edge serve` or that of `cluster`.",
        examples=["https://fleet.example.com:8443"],
        json_schema_extra={"since": "0.2"},
    )
    cluster: EdgeCluster | None = Field(
        default=None,
        description="The cluster that carries the control side; it is one file and `slipway edge serve` on the machine "
        "of whoever commands the fleet when left out.",
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )
    registry: Registry = Field(
        description="Registry that images are pushed to, and that devices pull from.", examples=["registry.example.com"]
    )
    base_image: BaseImage = Field(
        description="Image with Python 3.11 that models' images start from.",
        examples=["registry.example.com/slipway/base:bookworm-py311"],
    )
    models: tuple[OneModel, ...] | None = Field(
        default=None,
        description="Models to put on the fleet, by their names or with what is particular to them; every spec of the "
        "models folder when left out.",
        examples=[["digits"]],
        json_schema_extra={"since": "0.2"},
    )
    placement: dict[ModelName, tuple[DnsLabel, ...]] = Field(
        default_factory=dict,
        description="The classes of hardware that a model is put on, by model; every class of the fleet when left out.",
        examples=[{"digits": ["x86-box"]}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    sites: tuple[DnsLabel, ...] = Field(
        min_length=1, description="Where devices stand.", examples=[["berlin"]], json_schema_extra={"since": "0.2"}
    )
    links: dict[DnsLabel, Link] = Field(
        default_factory=dict,
        description="How much of a site's link devices may take for weights and images, and when, by site.",
        examples=[{"berlin": {"bandwidth": "1Mi", "hours": ["22:00-06:00"], "zone": "Europe/Berlin"}}],
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    hardware: dict[DnsLabel, Hardware] = Field(
        default_factory=dict,
        description="Classes of your own, beside or instead of those that Slipway ships.",
        exclude_if=empty,
        json_schema_extra={"since": "0.2"},
    )
    devices: tuple[Device, ...] = Field(
        min_length=1, description="The devices of the fleet, canaries first.", json_schema_extra={"since": "0.2"}
    )
    rings: tuple[Ring, ...] = Field(
        default=tuple(
            Ring.model_validate(one)
            for one in (
                {"name": "canary", "devices": 1},
                {"name": "tenth", "share": "10%"},
                {"name": "fleet", "share": "100%"},
            )
        ),
        description="In which steps a new version reaches the fleet; the last one is all of it. One device, a tenth "
        "and all when left out.",
        json_schema_extra={"since": "0.2"},
    )
    success: Success = Field(
        default=Success(), description="What opens the next ring.", json_schema_extra={"since": "0.2"}
    )
    stop: Stop = Field(default=Stop(), description="What stops a rollout.", json_schema_extra={"since": "0.2"})
    away: Away = Field(
        default=Away(), description="What becomes of devices that do not answer.", json_schema_extra={"since": "0.2"}
    )
    telemetry: tuple[Literal["latency", "errors", "temperature", "memory", "disk", "logs", "feeds"], ...] = Field(
        default=("latency", "errors"),
        description="What leaves a device about how it fares; `logs` are events of its agent, when somebody asks.",
        examples=[["latency"]],
        json_schema_extra={"since": "0.2"},
    )
    interval: Seconds = Field(
        default=30.0,
        description="How often a device asks and reports.",
        examples=["30s"],
        json_schema_extra={"since": "0.2"},
    )
    kwh_usd: Annotated[float, *amount(10, "0.3")] | None = Field(
        default=None,
        description="Price of a kilowatt-hour where the devices stand; what power costs is unknown when left out.",
        examples=[0.3],
        exclude_if=left_out,
        json_schema_extra={"since": "0.2"},
    )

    @property
    def namespace(self) -> str:
        """Devices have no namespaces; models' objects are rendered with this one, and never applied."""
        return "edge"

    @property
    def service_type(self) -> str:
        """Devices have no Services."""
        return "ClusterIP"

    @property
    def teams(self) -> dict[str, Team] | None:
        """Devices are shared by no teams."""
        return None

    @property
    def signing(self) -> Signing | None:
        """Documents are signed with the fleet's own key, images are named by digest in them."""
        return None

    @property
    def mlflow(self) -> Mlflow | None:
        """MLflow is told nothing of devices."""
        return None

    @property
    def model_names(self) -> tuple[str, ...] | None:
        """The models that the settings name."""
        return None if self.models is None else tuple(one.name for one in self.models)

    def particular(self, model: str) -> FleetModel:
        """What is particular to a model: nothing, if it is named alone or not at all."""
        return next((one for one in self.models or () if one.name == model), FleetModel(name=model))

    @property
    def classes(self) -> dict[str, Hardware]:
        """Every class that a device may name, the settings' own before those that Slipway ships."""
        return {**hardware().classes, **self.hardware}

    def architectures(self, model: str) -> tuple[str, ...]:
        """The architectures of the devices that a model is put on, each once, in the order of names."""
        there = {device.hardware for device in self.devices}
        on = there.intersection(self.placement.get(model, there))
        return tuple(sorted({self.classes[name].architecture for name in on}))

    def architecture(self, device: str) -> str | None:
        """The architecture of a device; None for one that is not written down any more."""
        found = [self.classes[one.hardware].architecture for one in self.devices if one.name == device]
        return found[0] if found else None

    @model_validator(mode="after")
    def _a_cluster_is_reached_by_tls(self) -> Self:
        if self.cluster is not None and not self.control.startswith("https://"):
            allowed = "https://, with which the control side in a cluster is served"
            raise refusal(f"{self.control} is not encrypted", allowed, "write https://HOST:PORT", ("control",))
        return self

    @model_validator(mode="after")
    def _devices_are_let_breathe(self) -> Self:
        if self.interval < 1:
            raise refusal("is out of range", "from 1s to 24h", "write for example 30s", ("interval",))
        return self

    @model_validator(mode="after")
    def _names_are_known_and_unique(self) -> Self:
        refuse_repeated(self.sites, ("sites",))
        refuse_repeated(self.model_names or (), ("models",))
        refuse_repeated([ring.name for ring in self.rings], ("rings",), ("name",))
        seen: set[str] = set()
        for index, device in enumerate(self.devices):
            if device.name in seen:
                todo = "rename or remove one of them"
                raise refusal(f"{device.name} is there twice", "each name once", todo, ("devices", index, "name"))
            seen.add(device.name)
            for field, name, known in (
                ("hardware", device.hardware, tuple(self.classes)),
                ("site", device.site, self.sites),
            ):
                if name not in known:
                    todo = f"write one of those, or add {name} to {field if field == 'hardware' else 'sites'}"
                    raise refusal(f"{name} is not known", ", ".join(known), todo, ("devices", index, field))
        return self

    @model_validator(mode="after")
    def _links_are_of_sites_and_carry_something(self) -> Self:
        refuse_links(self.links, {site: self.devices_at(site) for site in self.sites}, self.away.deadline)
        return self

    def devices_at(self, site: str) -> int:
        """How many devices stand at a site."""
        return sum(device.site == site for device in self.devices)

    @model_validator(mode="after")
    def _placed_on_what_there_is(self) -> Self:
        there = sorted({device.hardware for device in self.devices})
        for model, classes in self.placement.items():
            if self.model_names is not None and model not in self.model_names:
                todo = f"add {model} to models, or remove it from placement"
                raise refusal(
                    f"{model} is not put on the fleet", ", ".join(self.model_names), todo, ("placement", model)
                )
            for index, name in enumerate(classes):
                if name not in there:
                    todo = "write one of those, or add such a device"
                    problem = f"no device is of class {name}"
                    raise refusal(problem, ", ".join(there), todo, ("placement", model, index))
        return self

    @model_validator(mode="after")
    def _rings_grow_to_the_whole_fleet(self) -> Self:
        sizes = list(self.sizes(len(self.devices)))
        for index in range(1, len(sizes)):
            before, here = self.rings[index - 1], self.rings[index]
            grows = None not in (before.share, here.share) or None not in (before.devices, here.devices)
            if grows and (here.share or here.devices or 0) <= (before.share or before.devices or 0):
                problem = f"ring {here.name} is no larger than {before.name}"
                raise refusal(problem, "rings that grow, each with all before it", "enlarge it", ("rings", index))
        if self.rings and self.rings[-1].share != 1.0:
            problem = "does not reach the whole fleet"
            raise refusal(problem, "share: 100% for the last ring", "add {name: fleet, share: 100%}", ("rings",))
        if self.rings and self.rings[0].approval:
            allowed, todo = "approval for later rings", "remove it: `slipway up` itself opens the first ring"
            raise refusal("waits for approval, and is the first ring", allowed, todo, ("rings", 0, "approval"))
        if not self.rings:
            raise refusal("is empty", "at least one ring", "add {name: fleet, share: 100%}", ("rings",))
        return self

    def sizes(self, devices: int) -> Iterator[int]:
        """How many of so many devices have the new version when each ring is open, rising."""
        size = 0
        for ring in self.rings:
            # In thousandths of a percent, as shares are written: a float's 10 % of 10 would be 2 devices.
            wanted = ring.devices if ring.share is None else -(-round(ring.share * 100_000) * devices // 100_000)
            size = min(devices, max(size, wanted or 0))
            yield size
