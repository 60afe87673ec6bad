"""Ask the models of a pipeline, by the binary form of the Open Inference Protocol."""

from collections.abc import Mapping, Sequence

import httpx
import orjson

from slipway_server.memory.budget import current_lease
from slipway_server.pipeline.caller import RELEASE, SUBJECT, MemberAway, asked_releases, caller_pass, caller_subject
from slipway_server.protocol.binary import from_binary, to_binary
from slipway_server.telemetry.traces import asking
from slipway_server.values.errors import AnswerTooLarge, BadRequest, ModelFault
from slipway_server.values.pipeline import ValueSection
from slipway_server.values.signature import Tensor
from slipway_server.values.tensors import Array, check_shape

_CONNECT_S = 5.0
_CONNECTIONS = 256
_WORDS_LIMIT = 4096
_JSON_BYTES = "Inference-Header-Content-Length"


class Members:
    """The models that a pipeline asks."""

    def __init__(self, services: str, timeout_s: float, answer_limit: int) -> None:
        """Nothing is asked yet.

        Args:
            services: URL of a model's Service, with `{model}` in it.
            timeout_s: longest time that an answer may take.
            answer_limit: bytes of the longest answer that is read.
        """
        self._services = services
        self._limit = answer_limit
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=_CONNECTIONS)
        times = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        # No proxy of the environment: models are in the same namespace.
        self._client = httpx.AsyncClient(limits=limits, timeout=times, trust_env=False)

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def why_not_ready(self, model: str) -> str | None:
        """Return why a model does not say that it is ready; None when it does."""
        try:
            answer = await self._client.get(self._url(model, "/v2/health/ready"))
        except httpx.HTTPError as error:
            return f"{model} cannot be reached: {_said(error)}"
        return None if answer.is_success else f"{model} is not ready: it answers {answer.status_code}"

    async def ask(
        self, model: str, inputs: Sequence[ValueSection], outputs: Sequence[ValueSection], values: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Return what a model answers, by the names of the pipeline's values.

        Args:
            model: its name.
            inputs: its inputs, each with the value that it gets.
            outputs: its outputs, each with the value that it becomes.
            values: all values by name.

        Raises:
            BadRequest: the model refuses these inputs, or they do not have the shape that it takes.
            ModelFault: it answers what it should not: it was replaced by another model, or has a fault.
            MemberAway: it cannot be asked now.
        """
        head, pieces = _request(model, inputs, outputs, values)
        headers = {_JSON_BYTES: str(len(head)), "content-type": "application/octet-stream"}
        token = caller_pass.get()
        if token is not None:
            headers["x-slipway-pass"] = token.decode("latin-1")
        subject = caller_subject.get()
        if subject is not None:
            headers[SUBJECT] = subject.decode("latin-1")
        body = b"".join([head, *pieces])
        current_lease().charge(len(body))
        url = self._url(model, f"/v2/models/{model}/infer")
        try:
            with asking(model) as context:
                headers |= context
                async with self._client.stream("POST", url, content=body, headers=headers) as answer:
                    if not answer.is_success:
                        raise _refused(model, answer.status_code, await _words(answer))
                    content = await self._whole(model, answer)
                    if (asked := asked_releases.get()) is not None:
                        asked[model] = answer.headers.get(RELEASE.decode(), "")
                    json_bytes = int(answer.headers.get(_JSON_BYTES, len(content)))
        except httpx.HTTPError as error:
            raise MemberAway(f"model {model} of the pipeline cannot be reached: {_said(error)}") from None
        except ValueError as error:
            if isinstance(error, BadRequest):
                raise
            raise _strange(model, str(error)) from None
        return _read(model, outputs, content, json_bytes)

    async def _whole(self, model: str, answer: httpx.Response) -> bytes:
        content = bytearray()
        async for piece in answer.aiter_bytes():
            if len(content) + len(piece) > self._limit:
                allowed = f"answers of up to {self._limit // 2**20} MiB: less at once, or more memory for the pipeline"
                raise AnswerTooLarge("inputs", f"make model {model} of the pipeline answer more than fits", allowed)
            current_lease().charge(len(piece))
            content += piece
        return bytes(content)

    def _url(self, model: str, path: str) -> str:
        return self._services.format(model=model) + path


def _request(
    model: str, inputs: Sequence[ValueSection], outputs: Sequence[ValueSection], values: Mapping[str, Array]
) -> tuple[bytes, list[bytes | memoryview]]:
    entries, pieces = [], []
    for wanted in inputs:
        array = values[wanted.value]
        # What was free when the pipeline was put together has a size now.
        check_shape(array.shape, wanted.tensor, f"{wanted.value} (for {model})")
        piece = to_binary(array, wanted.dtype)
        pieces.append(piece)
        parameters = {"binary_data_size": len(piece)}
        entries.append({"name": wanted.name, "datatype": wanted.dtype, "shape": array.shape, "parameters": parameters})
    asked = [{"name": one.name, "parameters": {"binary_data": True}} for one in outputs]
    return orjson.dumps({"inputs": entries, "outputs": asked}), pieces


def _read(model: str, outputs: Sequence[ValueSection], content: bytes, json_bytes: int) -> dict[str, Array]:
    """The outputs in an answer, each of the type and a shape that the pipeline was put together with."""
    rest = memoryview(content)[json_bytes:]
    try:
        entries = {entry["name"]: entry for entry in orjson.loads(content[:json_bytes])["outputs"]}
        pieces, at = {}, 0
        for name, entry in entries.items():
            size = entry["parameters"]["binary_data_size"]
            pieces[name] = rest[at : at + size]
            at += size
        found = {}
        for one in outputs:
            entry = entries[one.name]
            if entry["datatype"] != one.dtype:
                raise _strange(model, f"its output {one.name} is {entry['datatype']}, not {one.dtype}")
            shape = tuple(map(int, entry["shape"]))
            check_shape(shape, one.tensor, one.name)
            found[one.value] = from_binary(pieces[one.name], shape, Tensor(one.name, one.dtype, shape), one.name)
    except ModelFault:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise _strange(model, f"{type(error).__name__}: {error}") from None
    return found


async def _words(answer: httpx.Response) -> str:
    """What a model says about why it does not answer."""
    content = b""
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > _WORDS_LIMIT:
            break
    try:
        return str(orjson.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode("utf-8", "replace")


def _refused(model: str, status: int, words: str) -> Exception:
    if status in (400, 413, 507):
        return BadRequest("inputs", f"are refused by model {model} of the pipeline: {words}", "other values")
    if status in (429, 502, 503, 504):
        return MemberAway(f"model {model} of the pipeline does not answer now ({status}): {words}")
    return _strange(model, f"HTTP {status}: {words}")


def _strange(model: str, problem: str) -> ModelFault:
    allowed = "the answers that the pipeline was put together with: deploy the pipeline again after its models"
    return ModelFault("pipeline", f"got another answer of model {model} than it should: {problem}", allowed)


def _said(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__} {error}".strip()
