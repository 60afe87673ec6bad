"""Read the kubeconfig that a caller of the provider means: given, or merged from the files of his environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_DEFAULT = ".kube/config"
_LISTS = ("clusters", "contexts", "users")
_FILES = (
    ("clusters", "cluster", ("certificate-authority",)),
    ("users", "user", ("client-certificate", "client-key", "tokenFile")),
)


class KubeconfigError(ValueError):
    """The kubeconfig cannot be used; the message never holds its contents."""


def read(given: str | None, environment: Mapping[str, str]) -> dict[str, Any]:
    """The kubeconfig with absolute paths: `given` by contents or path, else of `environment`, as kubectl merges it.

    Of several files in $KUBECONFIG the first that has a name or a current context counts; files that are not there
    or empty are passed over. Without $KUBECONFIG it is ~/.kube/config of its HOME. Raises KubeconfigError.
    """
    if given and ("\n" in given or given.lstrip().startswith("{")):
        config, what = _parsed(given, "the kubeconfig"), "the kubeconfig"
    elif given:
        path = Path(given).expanduser()
        config, what = _file(path), f"kubeconfig {path}"
    else:
        config, what = _of_environment(environment)
    if not config.get("contexts"):
        raise KubeconfigError(f"{what} has no list of contexts; expected the contents or the path of a kubeconfig")
    for user in config.get("users") or []:
        way = (user.get("user") or {}).get("exec")
        if way:
            # It is for the caller that the program asks: with his PATH, profile and proxy.
            his = [{"name": name, "value": value} for name, value in environment.items()]
            way["env"] = [*his, *(way.get("env") or [])]
    return config


def _of_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    home = Path(environment.get("HOME") or Path.home())
    listed = [Path(entry) for entry in environment.get("KUBECONFIG", "").split(os.pathsep) if entry]
    paths = listed or [home / _DEFAULT]
    there = [path for path in paths if path.exists()]
    if not there:
        raise _unreadable(paths[0], "No such file or directory")
    merged: dict[str, Any] = {name: [] for name in _LISTS}
    for config in map(_file, there):
        merged["current-context"] = merged.get("current-context") or config.get("current-context")
        for name in _LISTS:
            known = {item.get("name") for item in merged[name]}
            merged[name] += [item for item in config.get(name) or [] if item.get("name") not in known]
    return merged, f"kubeconfig {os.pathsep.join(map(str, there))}"


def _file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text()
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    config = _parsed(text, f"kubeconfig {path}")
    for kind, inner, names in _FILES:
        for item in config.get(kind) or []:
            body = item.get(inner) or {}
            for name in names:
                if body.get(name):
                    body[name] = str(path.parent / body[name])
            command = (body.get("exec") or {}).get("command", "")
            if "/" in command:
                body["exec"]["command"] = str(path.parent / command)
    return config


def _parsed(text: str, what: str) -> dict[str, Any]:
    try:
        config = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise KubeconfigError(f"{what} is no valid YAML{place}") from None
    if config is None:
        return {}
    if not isinstance(config, dict) or not all(isinstance(config.get(name) or [], list) for name in _LISTS):
        raise KubeconfigError(f"{what} is no kubeconfig; expected lists {', '.join(_LISTS)}")
    return config


def _unreadable(path: Path, why: str) -> KubeconfigError:
    return KubeconfigError(
        f"kubeconfig {path} cannot be read ({why}); set kubernetes:kubeconfig to the path or the contents of a "
        "kubeconfig, or KUBECONFIG where Pulumi runs"
    )
