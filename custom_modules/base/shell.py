"""Commands as somebody types or copies them."""

import shlex

from .paths import as_typed


def shell_command(tool: str, *arguments: object) -> str:
    """Return the command of a tool; installed, ``petseg test`` and not ``python tools/test.py``.

    Args:
        tool: name of the tool, such as 'test'.
        arguments: arguments of the tool; each becomes one word of a shell, whatever is in it:
            spaces, quotes, dollars.
    """
    return f'{as_typed(f"python tools/{tool}.py")} {shlex.join(map(str, arguments))}'.rstrip()
