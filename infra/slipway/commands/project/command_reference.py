"""Generate the reference page of the commands from the commands themselves."""

from collections.abc import Iterator

import click

from slipway.installation import templates


def command_page(commands: click.Group) -> str:
    """The text of docs/reference/cli.md: every command with its arguments and options, around hand-written text."""
    text = (templates() / "docs" / "cli.md").read_text()
    with click.Context(commands, info_name="slipway") as context:
        sections = [section for name in commands.commands for section in _sections(context, commands.commands[name])]
    return text.replace("<<commands>>", "\n\n".join(sections))


def _sections(parent: click.Context, command: click.Command) -> Iterator[str]:
    """The section of a command, and those of the commands of a group."""
    context = click.Context(command, info_name=command.name, parent=parent)
    yield _section(context, command)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _sections(context, inner)


def _section(context: click.Context, command: click.Command) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"### {context.command_path}", "", f"    {usage}", "", _flowed(command.help or "")]
    options = [_row(option) for option in command.params if isinstance(option, click.Option)]
    if options:
        lines += ["", "| option | | default |", "| --- | --- | --- |", *options]
    return "\n".join(lines)


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len, reverse=True))
    value = "" if option.is_flag else f" {(option.metavar or option.type.name).upper()}"
    default = f"`{option.default}`" if option.show_default and option.default is not None else ""
    again = " May be repeated." if option.multiple else ""
    return f"| {names}{value} | {option.help}{again} | {default} |"


def _flowed(text: str) -> str:
    """Help as paragraphs, whatever its indentation."""
    return "\n\n".join(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        yield " ".join(paragraph.split())
