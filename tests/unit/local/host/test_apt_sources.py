"""Reading apt's sources."""

from pathlib import Path

from slipway.local.host.apt_sources import (
    DEBIAN_KEYRING,
    DEBIAN_MIRROR,
    DEBIAN_SECURITY,
    Source,
    for_debian,
    parse_deb822,
    parse_list,
    read,
    render,
)

DEB822 = """\
# See sources.list(5)
Types: deb deb-src
# http://elsewhere.example/debian
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
 contrib
Signed-By: /keys/debian.gpg

Types: deb
Enabled: no
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
"""


def test_a_stanza_gives_one_source_for_each_suite_and_folded_components_are_joined() -> None:
    components = ("main", "contrib")
    assert parse_deb822(DEB822) == [
        Source("http://mirror.example/debian", "bookworm", components, "/keys/debian.gpg"),
        Source("http://mirror.example/debian", "bookworm-updates", components, "/keys/debian.gpg"),
    ]


def test_an_address_in_a_comment_is_not_a_mirror() -> None:
    assert all("elsewhere" not in source.uri for source in parse_deb822(DEB822))


def test_a_stanza_of_sources_only_is_passed_over() -> None:
    assert parse_deb822("Types: deb-src\nURIs: http://a\nSuites: b\nComponents: main\n") == []


def test_a_key_written_into_the_stanza_is_not_taken_for_a_file() -> None:
    text = "Types: deb\nURIs: http://a\nSuites: b\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n xyz\n"
    assert parse_deb822(text) == [Source("http://a", "b", ("main",), "")]


def test_the_one_line_format_is_read_with_and_without_options() -> None:
    text = (
        "# deb http://comment.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/keys/a.gpg] http://one.example/debian bookworm main contrib # mine\n"
        "deb-src http://one.example/debian bookworm main\n"
        "deb http://two.example/debian bookworm-security main\n"
        "deb http://flat.example/ ./\n"
    )
    assert parse_list(text) == [
        Source("http://one.example/debian", "bookworm", ("main", "contrib"), "/keys/a.gpg"),
        Source("http://two.example/debian", "bookworm-security", ("main",), ""),
        Source("http://flat.example/", "./", (), ""),
    ]


def test_every_file_that_apt_reads_is_read_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (tmp_path / "sources.list").write_text("deb http://list bookworm main\n")
    (folder / "b.sources").write_text("Types: deb\nURIs: http://b\nSuites: bookworm\nComponents: main\n")
    (folder / "a.list").write_text("deb http://a bookworm main\n")
    (folder / "c.list.save").write_text("deb http://saved bookworm main\n")
    assert [source.uri for source in read(tmp_path)] == ["http://list", "http://a", "http://b"]


def test_the_machines_own_mirror_of_the_release_is_used() -> None:
    own = [
        Source("http://mirror.example/debian", "bookworm", ("main",), "/keys/d.gpg"),
        Source("http://mirror.example/security", "bookworm-security", ("main",)),
    ]
    assert for_debian("bookworm", own) == [
        Source("http://mirror.example/debian", "bookworm", ("main",), "/keys/d.gpg"),
        Source("http://mirror.example/security", "bookworm-security", ("main",), DEBIAN_KEYRING),
    ]


def test_a_machine_with_another_release_takes_debians_own_mirror() -> None:
    ubuntu = [Source("http://archive.ubuntu.example/ubuntu", "noble", ("main", "universe"))]
    assert for_debian("bookworm", ubuntu) == [
        Source(DEBIAN_MIRROR, "bookworm", ("main",), DEBIAN_KEYRING),
        Source(DEBIAN_SECURITY, "bookworm-security", ("main",), DEBIAN_KEYRING),
    ]


def test_what_is_rendered_is_read_back_as_it_was() -> None:
    sources = for_debian("bookworm", [])
    assert parse_list(render(sources)) == sources
