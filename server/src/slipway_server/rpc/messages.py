"""Describe the messages of the Open Inference Protocol over gRPC, and of gRPC's own health check.

Names, numbers and types are the protocol's. They are built here out of a table, in a pool of their own: generated code
is of one range of versions of the library, and two descriptions of one name in a process would exclude each other.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "inference.GRPCInferenceService"
HEALTH = "grpc.health.v1.Health"

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "float": _Field.TYPE_FLOAT,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_PARAMETERS = "map InferParameter"
# A field is its number and its type: one of those above or a message's name, after `many` or `map` where it is so.
_Fields = dict[str, tuple[int, str]]
_TENSOR: _Fields = {"name": (1, "string"), "datatype": (2, "string"), "shape": (3, "many int64")}
_MODEL: _Fields = {"name": (1, "string"), "version": (2, "string")}
_INFERENCE: dict[str, _Fields] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": (1, "bool")},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": (1, "bool")},
    "ModelReadyRequest": _MODEL,
    "ModelReadyResponse": {"ready": (1, "bool")},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": (1, "string"), "version": (2, "string"), "extensions": (3, "many string")},
    "ModelMetadataRequest": _MODEL,
    "ModelMetadataResponse": {
        "name": (1, "string"),
        "versions": (2, "many string"),
        "platform": (3, "string"),
        "inputs": (4, "many ModelMetadataResponse.TensorMetadata"),
        "outputs": (5, "many ModelMetadataResponse.TensorMetadata"),
    },
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "InferParameter": {
        "bool_param": (1, "bool"),
        "int64_param": (2, "int64"),
        "string_param": (3, "string"),
        "double_param": (4, "double"),
        "uint64_param": (5, "uint64"),
    },
    "InferTensorContents": {
        "bool_contents": (1, "many bool"),
        "int_contents": (2, "many int32"),
        "int64_contents": (3, "many int64"),
        "uint_contents": (4, "many uint32"),
        "uint64_contents": (5, "many uint64"),
        "fp32_contents": (6, "many float"),
        "fp64_contents": (7, "many double"),
        "bytes_contents": (8, "many bytes"),
    },
    "ModelInferRequest": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": (4, _PARAMETERS),
        "inputs": (5, "many ModelInferRequest.InferInputTensor"),
        "outputs": (6, "many ModelInferRequest.InferRequestedOutputTensor"),
        "raw_input_contents": (7, "many bytes"),
    },
    "ModelInferRequest.InferInputTensor": {
        **_TENSOR,
        "parameters": (4, _PARAMETERS),
        "contents": (5, "InferTensorContents"),
    },
    "ModelInferRequest.InferRequestedOutputTensor": {"name": (1, "string"), "parameters": (2, _PARAMETERS)},
    "ModelInferResponse": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": (4, _PARAMETERS),
        "outputs": (5, "many ModelInferResponse.InferOutputTensor"),
        "raw_output_contents": (6, "many bytes"),
    },
    "ModelInferResponse.InferOutputTensor": {
        **_TENSOR,
        "parameters": (4, _PARAMETERS),
        "contents": (5, "InferTensorContents"),
    },
}
# `status` is an enumeration there; on the wire both are the same.
_CHECKED: dict[str, _Fields] = {
    "HealthCheckRequest": {"service": (1, "string")},
    "HealthCheckResponse": {"status": (1, "int32")},
}
_ONE_OF = {"InferParameter": "parameter_choice"}


def _file(package: str, messages: dict[str, _Fields]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    made: dict[str, Any] = {}
    for name, fields in messages.items():
        outer, _, inner = name.rpartition(".")
        message = made[outer].nested_type.add(name=inner) if outer else file.message_type.add(name=name)
        made[name] = message
        if name in _ONE_OF:
            message.oneof_decl.add(name=_ONE_OF[name])
        for field, (number, kind) in fields.items():
            many, _, plain = kind.rpartition(" ")
            one = message.field.add(name=field, number=number, label=_Field.LABEL_OPTIONAL)
            if name in _ONE_OF:
                one.oneof_index = 0
            if many:
                one.label = _Field.LABEL_REPEATED
            if many == "map":
                entry = "".join(part.capitalize() for part in field.split("_")) + "Entry"
                _add_entry(message, entry, f".{package}.{plain}")
                plain = f"{name}.{entry}"
            if plain in _TYPES:
                one.type = _TYPES[plain]
            else:
                one.type, one.type_name = _Field.TYPE_MESSAGE, f".{package}.{plain}"
    return file


def _add_entry(message: Any, name: str, value: str) -> None:
    """Add what a map is on the wire: a list of pairs."""
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_Field.TYPE_STRING, label=_Field.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=_Field.TYPE_MESSAGE, type_name=value, label=_Field.LABEL_OPTIONAL)


_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_file("inference", _INFERENCE))
_POOL.Add(_file("grpc.health.v1", _CHECKED))


def message(name: str, package: str = "inference") -> Any:
    """Return the class of a message by its name."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{package}.{name}"))


InferRequestMessage = message("ModelInferRequest")
InferResponseMessage = message("ModelInferResponse")
