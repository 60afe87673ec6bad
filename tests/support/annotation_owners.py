"""Who owns which annotations of a Deployment and of its pods, as the API server keeps it for server-side apply.

An annotation that its manager no longer names goes. The engine, which names none of these, never takes one away.
"""

from typing import Any

Json = dict[str, Any]


class AnnotationOwners:
    """What each manager named in its last apply, by Deployment."""

    def __init__(self) -> None:
        self._named: dict[tuple[str, str], tuple[set[str], set[str]]] = {}

    def settle(self, there: Json, sent: Json, manager: str) -> None:
        """Take from `there` what the manager named before and does not name in what it has `sent` now."""
        key = manager, sent["metadata"]["name"]
        before = self._named.get(key, (set(), set()))
        now = (set(_annotations(sent)), set(_annotations(_template(sent))))
        for of, gone in ((there, before[0] - now[0]), (_template(there), before[1] - now[1])):
            for name in gone:
                _annotations(of).pop(name, None)
        self._named[key] = now

    def keep(self, old: Json, new: Json) -> None:
        """Carry over what managers named on the pods of `old`, which an engine that never did leaves alone."""
        name = old["metadata"]["name"]
        named = {one for (_, of), (_, pods) in self._named.items() if of == name for one in pods}
        kept = {key: value for key, value in _annotations(_template(old)).items() if key in named}
        if kept:
            new["spec"]["template"]["metadata"].setdefault("annotations", {}).update(kept)


def _template(deployment: Json) -> Json:
    return dict(deployment.get("spec", {}).get("template", {}))


def _annotations(of: Json) -> Json:
    found: Json = of.get("metadata", {}).get("annotations") or {}
    return found
