"""What a document says of a model's feed and of its place among others; what the settings do not say is left out."""

from pydantic import BaseModel

from slipway.settings.edge_models import FleetModel
from slipway.values.aliases import Json


def particular_of(model: FleetModel) -> Json:
    """The part of a model's entry that the fleet's settings say, with units as devices read them: bytes, ms."""
    said: Json = {}
    if model.priority:
        said["priority"] = model.priority
    if model.source is not None and model.sink is not None:
        said["source"] = _plain(model.source)
        said["sink"] = _plain(model.sink)
    if model.telemetry is not None:
        said["telemetry"] = list(model.telemetry)
    if model.cpuset is not None:
        said["cpuset"] = model.cpuset
    if model.realtime:
        said["realtime"] = True
    if model.deadline is not None:
        said["deadline_ms"] = round(model.deadline * 1000)
    if (counted := model.aggregates) is not None:
        said["aggregates"] = {
            "output": counted.output,
            "values": list(counted.values),
            "epsilon": counted.epsilon,
            "per_s": round(counted.per),
        }
    return said


def _plain(section: BaseModel) -> Json:
    """The values themselves, where a dump for people would write `64Mi`; of what is None, nothing."""
    found: Json = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if value is not None:
            found[name] = _plain(value) if isinstance(value, BaseModel) else value
    return found
