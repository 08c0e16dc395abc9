"""The examples that the AWS CLI's manual shows for its `cloudfront` commands, read from the installed package.

Each file of reStructuredText is an example: commands, the JSON files they name, and the answers they get.
"""

import json
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(kw_only=True)
class Command:
    """One command line, the files it reads, and what it answers according to the manual."""

    arguments: list[str]
    files: dict[str, Any] = field(default_factory=dict)
    answer: Any = None

    @property
    def operation(self) -> str:
        """As in `create-distribution`."""
        return self.arguments[1]


def read_examples(folder: Path) -> dict[str, list[Command]]:
    """The commands of every example, by the name of its file."""
    return {path.stem: read_commands(path.read_text()) for path in sorted(folder.glob("*.rst"))}


def read_commands(text: str) -> list[Command]:
    """The commands of one example, in their order.

    A JSON document belongs to the command before it: as the file it names, if it names one that has no content yet,
    else as its answer. The first answer is that of all commands before it: ways to do the same.
    """
    commands: list[Command] = []
    for block in _literal_blocks(text):
        if block.startswith("aws cloudfront"):
            line = re.sub(r"\\\n\s*", " ", block).replace("$(date +%s)", "1750000000")
            commands.append(Command(arguments=shlex.split(line)[1:]))
        elif block.startswith("{"):
            _give(commands, json.loads(block))
    return commands


def _give(commands: list[Command], document: Any) -> None:
    last = commands[-1]
    missing = [name for name in _files_named(last) if name not in last.files]
    if missing:
        last.files[missing[0]] = document
        return
    is_first = all(command.answer is None for command in commands)
    for command in commands if is_first else [last]:
        command.answer = document


def _files_named(command: Command) -> list[str]:
    return [each.removeprefix("file://") for each in command.arguments if each.startswith("file://")]


def _literal_blocks(text: str) -> list[str]:
    """Indented blocks; blank lines inside belong to them."""
    blocks: list[list[str]] = []
    is_open = False
    for line in text.replace("\r", "").expandtabs(4).splitlines():
        if line.startswith("    "):
            if not is_open:
                blocks.append([])
            blocks[-1].append(line[4:])
            is_open = True
        elif line.strip():
            is_open = False
    return ["\n".join(block).strip() for block in blocks]
