"""Say why a model gives no answer, in the same words whatever computes."""

from slipway_server.values.errors import AnswerTooLarge, BadRequest, ModelFault
from slipway_server.values.signature import Tensor
from slipway_server.values.text import shortened

_WORDS_MOST = 600


def said(error: Exception) -> str:
    """Return a library's own words on one line; the reason often stands at their end."""
    return shortened(" ".join(str(error).split()), _WORDS_MOST)


def uncomputable(words: str) -> BadRequest:
    """The model cannot compute these values; `words`: its library's."""
    return BadRequest("inputs", f"cannot be computed by the model: {words}", "other values")


def given_up() -> BadRequest:
    """Nobody waits for the answer any more, of a backend that cannot end a run."""
    return BadRequest("inputs", "were given up before they were computed", "a client that waits for its answer")


def too_large(most_bytes: int, weights: str) -> AnswerTooLarge:
    """What is computed takes more memory than `most_bytes`; `weights`: whether they are in that, in words."""
    return AnswerTooLarge(
        "inputs",
        "make the model compute more than fits into its memory",
        f"what is computed within {most_bytes // 2**20} MiB{weights}: less at once, or more memory for the server",
    )


def unlike_lock(tensor: Tensor, gave: str) -> ModelFault:
    """The model gave something else than its lock says of an output."""
    wanted = f"`{tensor.name}`, {tensor.dtype} with the shape {tensor.shape_text}, as the lock says"
    return ModelFault("outputs", f"have {gave or 'nothing'}", f"a model that gives {wanted}: make the lock again")
