"""Estimate the memory that a replica of the model server needs, and the largest body that it then takes."""

from slipway_server.memory.budget import BODY_FACTOR, WEIGHTS_FACTOR

SERVER_BYTES = 128 * 2**20
GRPC_BYTES = 26 * 2**20
"""What gRPC's library takes of a running server: measured, docs/how-to/grpc.md."""
BODY_MOST_BY_DEFAULT = 10 * 2**20
BODY_LEAST = 2**20
"""Room for the largest golden request, which is asked over HTTP too."""
_BODY_STEP = 2**18


def needed_memory(artifact_bytes: int, server_bytes: int = SERVER_BYTES) -> int:
    """Bytes that a replica needs to load weights of `artifact_bytes` and answer: a lower bound, not a forecast.

    `server_bytes` is what the server takes without weights, with the libraries of its backend. While ONNX Runtime
    loads, the parsed file and the session's own copy of the weights are there together. The measurement behind the
    two constants is in docs/reference/spec.md.
    """
    return server_bytes + WEIGHTS_FACTOR * artifact_bytes


def carried_body(memory: int, artifact_bytes: int, server_bytes: int = SERVER_BYTES) -> int:
    """Bytes of the largest body that a spec may ask for with `memory`, in whole quarters of 1Mi.

    At least 1Mi, even where the memory is the least that `needed_memory` allows: there the server refuses bodies of
    very many values, in words.
    """
    return _in_steps((memory - needed_memory(artifact_bytes, server_bytes)) // BODY_FACTOR)


def default_max_body(memory: int, artifact_bytes: int, server_bytes: int = SERVER_BYTES) -> int:
    """Bytes of the largest body that a replica takes whose spec names none: half of what it carries, at most 10Mi.

    The other half is left to what the model computes, of which nothing is known here.
    """
    spare = memory - needed_memory(artifact_bytes, server_bytes)
    return min(BODY_MOST_BY_DEFAULT, _in_steps(spare // (2 * BODY_FACTOR)))


def _in_steps(max_body: int) -> int:
    return max(BODY_LEAST, max_body - max_body % _BODY_STEP)


def needed_memory_for_bodies(artifact_bytes: int, max_body: int, server_bytes: int = SERVER_BYTES) -> int:
    """Bytes that a replica needs when a spec asks for bodies of up to `max_body` bytes.

    The server reads a body into a multiple of its size, holds several, and divides its memory by the same factor.
    """
    return needed_memory(artifact_bytes, server_bytes) + BODY_FACTOR * max_body
