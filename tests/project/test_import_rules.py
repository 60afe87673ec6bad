"""The rules of .importlinter hold in every package: a forbidden import that is planted there is found and named.

What is forbidden where follows from .importlinter itself; here it is seen that import-linter reads it that way.
"""

import fnmatch
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = {
    "slipway": "infra",
    "slipway_edge": "edge/src",
    "slipway_judge": "judge/src",
    "slipway_keys": "keys/src",
    "slipway_server": "server/src",
    "slipway_upstream": "upstream/src",
    "slipway_weights": "weights/src",
}
"""Where each import name is."""
OF_THE_SERVER = (
    "PIL",
    "httptools",
    "onnxruntime",
    "prometheus_client",
    "python_multipart",
    "starlette",
    "uvicorn",
    "uvloop",
)
OUTSIDE = {
    "slipway": ("pulumi", "jinja2", "yaml", "boto3", "docker", "kubernetes"),
    "slipway_edge": ("cryptography", "docker", "kubernetes", "numpy", "requests", "urllib3"),
    "slipway_judge": ("httptools", "httpx", "numpy", "prometheus_client", "starlette", "uvicorn", "uvloop"),
    "slipway_keys": (
        "asyncpg",
        "cryptography",
        "grpc",
        "httptools",
        "httpx",
        "jwt",
        "opentelemetry",
        "prometheus_client",
        "starlette",
        "uvicorn",
        "uvloop",
    ),
    "slipway_server": OF_THE_SERVER,
}
"""The libraries that have doors, by the import name whose doors they are."""
NOT_FOR_THE_LIBRARY = (
    *(f"slipway_server.{name}" for name in ("__main__", "backends", "execution", "http", "startup", "telemetry")),
    *(library for library in OF_THE_SERVER if library != "PIL"),
)
"""What starts with the server; pictures are read to check a golden request."""
PLANTED = "planted"
"""A module of its own in each package: nothing imports it, so that every finding is of one import that it has."""


def rules() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def lines(rule: Mapping[str, str], key: str) -> list[str]:
    return [line for line in rule.get(key, "").splitlines() if line]


def doors() -> list[tuple[str, str]]:
    """Which modules, as a pattern, may import which library."""
    parser = rules()
    written = [line for section in parser.sections() for line in lines(parser[section], "ignore_imports")]
    return [(importer, library) for importer, _, library in (line.partition(" -> ") for line in written)]


def allowed(module: str, library: str) -> bool:
    """Whether there is a door. `**` stands for modules at any depth, as import-linter reads it."""
    return any(to == library and fnmatch.fnmatchcase(module, pattern.replace("**", "*")) for pattern, to in doors())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The source, as far as imports go, and the rules."""
    for root, source in ROOTS.items():
        for path in (ROOT / source / root).rglob("*.py"):
            target = tmp_path / path.relative_to(ROOT / source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    shutil.copyfile(ROOT / ".importlinter", tmp_path / ".importlinter")
    return tmp_path


def packages(copy: Path, root: str = "slipway") -> list[str]:
    """Every package below an import name, by its dotted name, those inside others too."""
    found = sorted(path.parent.relative_to(copy) for path in (copy / root).rglob("__init__.py"))
    return [".".join(package.parts) for package in found if package != Path(root)]


def plant(copy: Path, module: str, imports: Iterable[str]) -> None:
    """Add imports to a module, which is made where there is none."""
    with copy.joinpath(*module.split(".")).with_suffix(".py").open("a") as file:
        file.write("".join(f"\nimport {name}" for name in imports))


def lint(copy: Path) -> tuple[int, str]:
    """What import-linter says about the copy, without its cache."""
    code = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as lint; lint()"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code, "--no-cache"],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.returncode, " ".join((ended.stdout + ended.stderr).split())


def unreported(said: str, wanted: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{importer} -> {imported}" for importer, imported in wanted if f"{importer} -> {imported} (" not in said]


def test_without_a_planted_import_the_rules_are_kept(copy: Path) -> None:
    code, said = lint(copy)
    assert code == 0, said
    assert "0 broken" in said


@pytest.mark.parametrize(
    ("root", "least"),
    [("slipway", 5 * 30), ("slipway_judge", 5 * 10), ("slipway_keys", 9 * 9), ("slipway_server", 7 * 7)],
)
def test_a_library_that_is_planted_where_it_has_no_door_is_found_in_every_package(
    root: str, least: int, copy: Path
) -> None:
    wanted = []
    for package in (root, *packages(copy, root)):
        module = f"{package}.{PLANTED}"
        forbidden = [library for library in OUTSIDE[root] if not allowed(module, library)]
        plant(copy, module, forbidden)
        wanted += [(module, library) for library in forbidden]
    assert len(wanted) > least
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, wanted) == []


def layers() -> list[tuple[str, list[list[str]]]]:
    """Each package whose parts stand on each other, with its levels, the highest first; a level may have several."""
    parser = rules()
    found = [parser[section] for section in parser.sections() if parser[section].get("type") == "layers"]
    return [
        (container, [line.replace("|", " ").split() for line in lines(rule, "layers")])
        for rule in found
        for container in lines(rule, "containers")
    ]


@pytest.mark.parametrize(("container", "levels"), layers(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_higher_package_that_is_planted_is_found_in_every_package(
    container: str, levels: list[list[str]], copy: Path
) -> None:
    folder = copy.joinpath(*container.split("."))
    wanted = []
    above: list[str] = []
    for level in levels:
        for name in level:
            higher = [f"{container}.{other}" for other in (*above, *level) if other != name]
            module = f"{container}.{name}.{PLANTED}" if (folder / name).is_dir() else f"{container}.{name}"
            plant(copy, module, higher)
            wanted += [(module, other) for other in higher]
        above += level
    assert len(wanted) >= len(levels)
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, wanted) == []


def test_the_library_that_is_planted_in_what_brings_up_a_machine_is_found(copy: Path) -> None:
    by_level = dict(layers())["slipway"]
    below = by_level.index(next(level for level in by_level if "local" in level)) + 1
    library = [f"slipway.{name}" for level in by_level[below:] for name in level]
    wanted = []
    for package in [package for package in packages(copy) if package.startswith("slipway.local.")]:
        plant(copy, f"{package}.{PLANTED}", library)
        wanted += [(f"{package}.{PLANTED}", name) for name in library]
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, wanted) == []


def test_what_the_library_and_the_model_server_must_not_take_of_each_other_is_found_in_every_package(
    copy: Path,
) -> None:
    """The server is alone in its image; the library must check golden requests without what serves."""
    wanted = []
    for package in packages(copy):
        plant(copy, f"{package}.{PLANTED}", NOT_FOR_THE_LIBRARY)
        wanted += [(f"{package}.{PLANTED}", name) for name in NOT_FOR_THE_LIBRARY]
    for package in packages(copy, "slipway_server"):
        plant(copy, f"{package}.{PLANTED}", ["slipway"])
        wanted.append((f"{package}.{PLANTED}", "slipway"))
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, wanted) == []


def test_the_library_or_the_model_server_planted_in_the_keys_service_is_found(copy: Path) -> None:
    """It is alone in its image."""
    wanted = []
    for package in packages(copy, "slipway_keys"):
        plant(copy, f"{package}.{PLANTED}", ["slipway", "slipway_server"])
        wanted += [(f"{package}.{PLANTED}", name) for name in ("slipway", "slipway_server")]
    plant(copy, f"slipway.render.{PLANTED}", ["slipway_keys"])
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, [*wanted, (f"slipway.render.{PLANTED}", "slipway_keys")]) == []


def test_what_the_judge_must_not_take_of_the_model_server_and_of_others_is_found(copy: Path) -> None:
    """In its image it has the server's values and protocol beside it, and neither ONNX Runtime nor the library."""
    started = ("backends", "execution", "http", "memory", "startup", "telemetry")
    forbidden = [f"slipway_server.{name}" for name in started]
    forbidden += ["PIL", "onnxruntime", "slipway", "slipway_keys"]
    wanted = []
    for package in packages(copy, "slipway_judge"):
        plant(copy, f"{package}.{PLANTED}", forbidden)
        wanted += [(f"{package}.{PLANTED}", name) for name in forbidden]
    for package in ("slipway.render", "slipway_keys.check", "slipway_server.values"):
        plant(copy, f"{package}.{PLANTED}", ["slipway_judge"])
        wanted.append((f"{package}.{PLANTED}", "slipway_judge"))
    code, said = lint(copy)
    assert code == 1
    assert unreported(said, wanted) == []


@pytest.mark.parametrize("root", ROOTS)
def test_a_package_that_no_rule_names_is_found(root: str, copy: Path) -> None:
    (copy / root / "unnamed").mkdir()
    (copy / root / "unnamed" / "__init__.py").write_text("")
    code, said = lint(copy)
    assert code == 1
    assert "unnamed" in said


@pytest.mark.parametrize(("root", "library"), [(root, library) for root in OUTSIDE for library in OUTSIDE[root]])
def test_a_door_that_no_import_uses_is_found(root: str, library: str, copy: Path) -> None:
    """It would let in the next import that should not be there."""
    rule = next(rules()[name] for name in rules().sections() if library in lines(rules()[name], "forbidden_modules"))
    door = lines(rule, "ignore_imports")[0]
    path = copy / ".importlinter"
    path.write_text(path.read_text().replace(f"    {door}\n", f"    {door}\n    {root}.values.** -> {library}\n", 1))
    code, said = lint(copy)
    assert code == 1
    assert f"No matches for ignored import {root}.values.** -> {library}" in said
