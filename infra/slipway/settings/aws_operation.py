"""Define what a person may write about how an environment on AWS is operated: nodes of the platform, logs, access."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from slipway.catalog.aws import INSTANCE_TYPES
from slipway.settings.aws_values import InstanceTypeName, RoleArn
from slipway.settings.kubernetes import refuse_repeated
from slipway.values.quantities import Bytes, DnsLabel, format_bytes, line_of_text, parse_bytes, refusal
from slipway.values.section import Section, left_out, number

LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]
"""What a control plane of EKS can write down (EKS, CreateCluster, `logging`)."""
LOG_TYPES: tuple[LogType, ...] = get_args(LogType)
AccessLevel = Literal["view", "edit", "admin"]

KEEP_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""For how long CloudWatch keeps logs (PutRetentionPolicy, `retentionInDays`)."""
PLATFORM_NODES, PLATFORM_INSTANCE_TYPE = 2, "m7i.large"
"""The platform's own nodes where settings say nothing: the autoscaler, KEDA, Prometheus, the gateway, DNS."""

_GI = 2**30
_PLATFORM_MEMORY = 8 * _GI
_METRICS_LEAST, _METRICS_MOST = 10 * _GI, 1024 * _GI


def _keep(value: object) -> int:
    allowed = f"one of {', '.join(f'{days}d' for days in KEEP_DAYS)}"
    if type(value) in (int, float):
        raise refusal("has no unit", allowed, f"write for example {value}d" if value in KEEP_DAYS else "write 30d")
    text = line_of_text(10, "30d")(value)
    days = next((days for days in KEEP_DAYS if text == f"{days}d"), None)
    if days is None:
        raise refusal("is no time for which CloudWatch keeps logs", allowed, "write for example 30d")
    return days


Keep = Annotated[
    int,
    BeforeValidator(_keep),
    PlainSerializer(lambda days: f"{days}d"),
    WithJsonSchema({"type": "string", "enum": [f"{days}d" for days in KEEP_DAYS]}),
]


def _metrics_disk(value: object) -> int:
    allowed = "10Gi to 1Ti, whole Gi"
    size = parse_bytes(value)
    if not _METRICS_LEAST <= size <= _METRICS_MOST:
        raise refusal("is out of range", allowed, f"write {'10Gi' if size < _METRICS_LEAST else '1Ti'}")
    if size % _GI:
        raise refusal("is not a whole number of Gi", allowed, f"write {-(-size // _GI)}Gi")
    return size


MetricsDisk = Annotated[
    int,
    BeforeValidator(_metrics_disk),
    PlainSerializer(format_bytes),
    WithJsonSchema({"type": "string", "maxLength": 22}),
]


class Logging(Section):
    """What the control plane writes down, and for how long it is kept."""

    types: tuple[LogType, ...] = Field(
        default=LOG_TYPES,
        description="What the control plane writes to CloudWatch, each charged by the gigabyte; `[]` for nothing.",
        examples=[["audit", "authenticator"]],
    )
    keep: Keep = Field(
        default=90,
        description="For how long CloudWatch keeps the control plane's logs.",
        examples=["30d"],
        json_schema_extra={"default": "90d"},
    )

    expected: Bytes | None = Field(
        default=None,
        description="What the control plane is expected to write in a month, for `slipway price`.",
        examples=["30Gi"],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _each_type_once(self) -> Self:
        refuse_repeated(self.types, ("types",))
        return self


class Metrics(Section):
    """How long metrics are kept, on a volume that outlives Prometheus' pod."""

    keep: Annotated[int, *number(1, 365)] = Field(description="Days.", examples=[15])
    disk: MetricsDisk = Field(description="Size of the volume, 10Gi to 1Ti, whole Gi.", examples=["50Gi"])


class PlatformNodes(Section):
    """The nodes of the platform itself, which no model runs on, and what of it is kept."""

    instance_type: InstanceTypeName = Field(
        default=PLATFORM_INSTANCE_TYPE,
        description="Instance type of these nodes; x86, without GPU, with 8Gi of memory or more.",
        examples=["m7i.xlarge"],
    )
    nodes: Annotated[int, *number(2, 20)] = Field(
        default=PLATFORM_NODES, description="How many there are, always.", examples=[3]
    )

    metrics: Metrics | None = Field(
        default=None,
        description="Keeps metrics on a volume; two days, on a node's own disk, when left out.",
        examples=[{"keep": 15, "disk": "50Gi"}],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _the_platform_runs_there(self) -> Self:
        instance, at = INSTANCE_TYPES[self.instance_type], ("instance_type",)
        allowed = "x86, without GPU, with 8Gi of memory or more"
        todo = f"write for example {PLATFORM_INSTANCE_TYPE}"
        if instance.gpu is not None:
            raise refusal(f"{instance.name} has GPUs, which nothing of the platform uses", allowed, todo, at)
        if instance.architecture != "amd64":
            raise refusal(f"{instance.name} is Arm, and the image of the keys service is not", allowed, todo, at)
        if instance.memory < _PLATFORM_MEMORY:
            raise refusal(f"{instance.name} has too little memory for Prometheus", allowed, todo, at)
        return self


class Access(Section):
    """What an IAM role may do in the cluster, short of everything."""

    role: RoleArn = Field(description="The role.", examples=["arn:aws:iam::123456789012:role/data-science"])
    level: AccessLevel = Field(
        description="`view`: read, but no Secrets; `edit`: change what runs, and read Secrets; `admin`: let "
        "others into these namespaces, too.",
        examples=["view"],
    )
    namespaces: tuple[DnsLabel, ...] = Field(
        default=(), description="Namespaces that it holds for; all of them when left out.", examples=[["slipway"]]
    )

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        refuse_repeated(self.namespaces, ("namespaces",))
        if self.level == "admin" and not self.namespaces:
            problem = "is admin of every namespace"
            todo = "name the namespaces, or put the role among administrators"
            raise refusal(problem, "admin of namespaces that are named", todo, ("level",))
        return self
