"""Name the types that many packages pass on: JSON objects, and the functions that are told what is being done."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
"""A JSON object, as an API server or the engine gives it."""

Tell = Callable[[str], None]
"""Is told what is being done."""

Report = Callable[[str, str], None]
"""Is told of which environment or model it is, and what is being done."""
