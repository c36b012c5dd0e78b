"""Commands as somebody types or copies them."""

import os
import shlex
import subprocess

from .paths import as_typed


def shell_command(tool: str, *arguments: object) -> str:
    """Return the command of a tool; installed, ``petseg test`` and not ``python tools/test.py``.

    Args:
        tool: name of the tool, such as 'test'.
        arguments: arguments of the tool; each becomes one word of a shell, whatever is in it:
            spaces, quotes, dollars.
    """
    words = ' '.join(shell_word(str(argument)) for argument in arguments)
    return f'{as_typed(f"python tools/{tool}.py")} {words}'.rstrip()


def shell_word(word: str) -> str:
    """Return a text as one word of the shell of this system: quoted where it has to be.

    Both shells of Windows understand double quotes, one of them no others.
    """
    return subprocess.list2cmdline([word]) if os.name == 'nt' else shlex.quote(word)
