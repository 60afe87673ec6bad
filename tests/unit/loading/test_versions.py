"""What is for a newer Slipway is refused with what to do; what was for an older one is read, with a warning in time."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext, Folders
from slipway.commands.project.reference import generate
from slipway.errors.base import UserError, UserErrors, each
from slipway.loading import settings as of_settings
from slipway.loading import specs as of_specs
from slipway.loading import versions
from slipway.loading.settings import load_settings
from slipway.loading.specs import load_spec_file
from slipway.loading.versions import SETTINGS_FIELDS, SPEC_FIELDS, Deprecated, deprecations, too_old
from slipway.reading.yaml_document import Document
from slipway.settings.requirement import REQUIREMENT, release
from tests.support.planned import FIXTURES

ROOT = FIXTURES / "repo"
LEAST = (FIXTURES / "spec/ok/least.yaml").read_text()
LOCAL = (FIXTURES / "settings/ok/Pulumi.local.yaml").read_text()


@pytest.fixture(autouse=True)
def this_is_0_2_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda: "0.2.0")


def spec(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "least.yaml"
    path.write_text(text)
    return path


def settings(tmp_path: Path, requirement: str) -> Path:
    (tmp_path / "Pulumi.local.yaml").write_text(
        LOCAL.replace("kind: kubernetes", f"kind: kubernetes\n    {requirement}")
    )
    return tmp_path


@pytest.mark.parametrize("format_", ["slipway/v2", "slipway/v10"])
def test_a_newer_format_is_refused_alone_with_what_to_do(format_: str, tmp_path: Path) -> None:
    """Whatever else stands there: only the newer Slipway knows what it means."""
    path = spec(tmp_path, LEAST.replace("slipway/v1", format_) + "fields: {of: v2}\n")
    with pytest.raises(UserError) as refused:
        load_spec_file(path, ROOT)
    assert str(refused.value) == (
        f'{path}:1: apiVersion: "{format_}" is a format that this Slipway, 0.2.0, is too old for; '
        "allowed: slipway/v1; next: upgrade Slipway (docs/how-to/upgrade.md)"
    )


@pytest.mark.parametrize("format_", ["slipway/v0", "slipway/v01", "slipway/v", "slipway/v1beta1", "v2", "2", "[2]"])
def test_what_is_no_newer_format_is_refused_as_any_other_word(format_: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        load_spec_file(spec(tmp_path, LEAST.replace("slipway/v1", format_)), ROOT)
    assert "too old" not in str(refused.value)
    assert "next: write slipway/v1" in str(refused.value)


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30))
def test_no_word_for_the_format_is_a_traceback(word: str) -> None:
    document = Document("spec.yaml", {"apiVersion": word}, {(): 1, ("apiVersion",): 1})
    found = versions.newer_format(document)
    assert (found is not None) == bool(re.fullmatch(r"slipway/v([2-9]|[1-9][0-9]{1,8})", word, re.ASCII))


@pytest.mark.parametrize("requirement", [">=0.1", ">=0.2", ">=0.2.0", ">=0.1.99"])
def test_settings_that_ask_for_no_newer_slipway_are_read(requirement: str, tmp_path: Path) -> None:
    assert load_settings(settings(tmp_path, f'slipway: "{requirement}"'), "local").slipway == requirement


@pytest.mark.parametrize("requirement", [">=0.2.1", ">=0.3", ">=1.0"])
def test_settings_that_ask_for_a_newer_slipway_are_refused_alone(requirement: str, tmp_path: Path) -> None:
    folder = settings(tmp_path, f'slipway: "{requirement}"\n    a_field_of_it: 1')
    with pytest.raises(UserErrors) as refused:
        load_settings(folder, "local")
    assert str(refused.value) == (
        f'{folder}/Pulumi.local.yaml:4: config.slipway:environment.slipway: "{requirement}" is not this Slipway, '
        f"which is 0.2.0; allowed: {requirement}; next: upgrade Slipway (docs/how-to/upgrade.md)"
    )


def test_a_version_under_development_counts_as_the_one_that_it_becomes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(versions, "version", lambda: "0.3.0.dev1+local")
    assert load_settings(settings(tmp_path, 'slipway: ">=0.3"'), "local").slipway == ">=0.3"


def test_a_slipway_that_knows_no_version_of_itself_fulfils_no_requirement(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(versions, "version", lambda: "unknown")
    with pytest.raises(UserErrors, match="is not this Slipway, which is unknown"):
        load_settings(settings(tmp_path, 'slipway: ">=0.1"'), "local")


NUMBERS = st.lists(st.integers(0, 999), min_size=2, max_size=3)


@given(NUMBERS, NUMBERS)
def test_a_requirement_is_compared_number_by_number(wanted: list[int], here: list[int]) -> None:
    text = ">=" + ".".join(map(str, wanted))
    found = REQUIREMENT.fullmatch(text)
    assert found is not None
    pad = [*wanted, 0][:3], [*here, 0][:3]
    assert (release(".".join(map(str, here))) >= release(found[1])) == (pad[1] >= pad[0])


@given(st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=2)))
def test_no_value_for_the_requirement_is_a_traceback(value: object) -> None:
    document = Document("settings.yaml", {"config": {"slipway:environment": {"slipway": value}}}, {})
    assert too_old(document, ("config", "slipway:environment")) is None


DRAIN = Deprecated("rollout.drain", "0.2", "0.4", "write rollout.stopping instead")
TAINTS = Deprecated("node_pools.taints.effect", "0.1", "0.3", "remove it")


def test_a_deprecated_field_is_read_and_warned_of_with_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(of_specs, "SPEC_FIELDS", (DRAIN,))
    path = spec(tmp_path, LEAST + "rollout: {drain: 5s}\nenvironments:\n  local:\n    rollout: {drain: 6s}\n")
    lines = len(LEAST.splitlines())
    said = load_spec_file(path, ROOT).warnings
    rest = "is deprecated since 0.2, and will be refused from 0.4 on; next: write rollout.stopping instead"
    assert said == (
        f"{path}:{lines + 1}: rollout.drain {rest}",
        f"{path}:{lines + 4}: environments.local.rollout.drain {rest}",
    )
    assert load_spec_file(spec(tmp_path, LEAST), ROOT).warnings == ()


def test_the_version_from_which_on_a_field_is_refused_refuses_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(of_specs, "SPEC_FIELDS", (DRAIN,))
    monkeypatch.setattr(versions, "version", lambda: "0.4.0")
    path = spec(tmp_path, LEAST + "rollout: {drain: 5s}\n")
    with pytest.raises(UserErrors) as refused:
        load_spec_file(path, ROOT)
    (found,) = each(refused.value)
    assert found.problem == "was deprecated in 0.2, and is refused since 0.4"
    assert found.todo == "write rollout.stopping instead"


def test_a_field_that_has_gone_is_told_once_and_not_as_an_unknown_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(of_specs, "SPEC_FIELDS", (Deprecated("replicas", "0.1", "0.2", "write scale.min instead"),))
    with pytest.raises(UserErrors) as refused:
        load_spec_file(spec(tmp_path, LEAST + "replicas: 2\nother: 3\n"), ROOT)
    assert [(one.field, one.problem) for one in each(refused.value)] == [
        ("replicas", "was deprecated in 0.1, and is refused since 0.2"),
        ("other", 'unknown key "other"'),
    ]


def test_a_deprecated_field_of_settings_is_found_in_lists_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(of_settings, "SETTINGS_FIELDS", (TAINTS,))
    monkeypatch.setattr(versions, "version", lambda: "0.3.0")
    text = LOCAL.replace("memory: 16Gi", "memory: 16Gi, taints: [{key: a, effect: NoSchedule}]")
    (tmp_path / "Pulumi.local.yaml").write_text(text)
    with pytest.raises(UserErrors, match=r"node_pools\[0\].taints\[0\].effect: was deprecated in 0.1"):
        load_settings(tmp_path, "local")


def test_a_person_sees_the_warnings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(of_specs, "SPEC_FIELDS", (DRAIN,))
    monkeypatch.setattr(
        "slipway.commands.context.SETTINGS_FIELDS", (Deprecated("registry", "0.2", "0.4", "remove it"),)
    )
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.local.yaml").write_text(LOCAL)
    models = tmp_path / "models"
    models.mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: slipway\n")
    for name in ("weights", "checks"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = spec(models, LEAST + "rollout: {drain: 5s}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("slipway.loading.specs.find_root", lambda _: ROOT)
    said = CliRunner().invoke(cli, ["validate", str(path)])
    assert said.exit_code == 0
    assert "warning: " in said.stderr
    assert "rollout.drain is deprecated since 0.2" in said.stderr
    monkeypatch.setattr("slipway.commands.context.find_root", lambda _: ROOT)
    (drain, registry) = [
        one for one in EnvironmentContext("local", Folders(models, tmp_path / "stacks")).complied() if "depre" in one
    ]
    assert "rollout.drain is deprecated since 0.2" in drain
    assert "config.slipway:environment.registry is deprecated since 0.2" in registry


@given(st.lists(st.sampled_from(["rollout", "drain", "environments", "local", 0, 1]), max_size=6))
def test_only_the_field_itself_is_deprecated_wherever_it_may_stand(path: list[str | int]) -> None:
    document = Document("spec.yaml", {}, {tuple(path): 1})
    names = [part for part in path if isinstance(part, str)]
    wanted = names == ["rollout", "drain"] or (names[:1] == ["environments"] and names[2:] == ["rollout", "drain"])
    assert bool(list(deprecations(document, (DRAIN,)))) == wanted


def fields(page: str) -> dict[str, str]:
    """The fields of a page of the reference, and what it says of them."""
    text = next(text for path, text in generate(cli).items() if path.name == f"{page}.md")
    return dict(re.findall(r"^\| `([^`]+)` \| (?:yes|no)(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("page", ["spec", "settings"])
def test_a_field_that_0_1_did_not_have_says_since_when_it_is_there(page: str) -> None:
    listed = (FIXTURES / "upgrade/0.1/fields.txt").read_text().splitlines()
    first = {line.partition(" ")[2] for line in listed if line.startswith(f"{page} ")}
    assert len(first) > 30
    documented = fields(page)
    for field in documented:
        parts = field.replace("[]", "").split(".")
        sections = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        said = [re.search(r"Since 0\.[0-9]+\.", documented.get(section, "")) for section in (*sections, field)]
        assert field in first or any(said), (
            f'{field} is new: give it, or its section, json_schema_extra={{"since": "0.2"}}'
        )


@pytest.mark.parametrize("page", ["spec", "settings"])
def test_a_field_that_0_1_had_is_there_or_was_deprecated(page: str) -> None:
    listed = (FIXTURES / "upgrade/0.1/fields.txt").read_text().splitlines()
    first = {line.partition(" ")[2] for line in listed if line.startswith(f"{page} ")}
    table = {one.field for one in (SPEC_FIELDS if page == "spec" else SETTINGS_FIELDS)}
    gone = {field.replace("[]", "") for field in first - fields(page).keys()}
    assert gone <= table, "deprecate a field before it goes (docs/how-to/upgrade.md)"


def test_a_deprecated_field_is_warned_of_for_at_least_two_minor_versions() -> None:
    for one in (*SPEC_FIELDS, *SETTINGS_FIELDS, DRAIN, TAINTS):
        since, until = release(one.since), release(one.until)
        assert until[0] > since[0] or until[1] >= since[1] + 2, one.field
