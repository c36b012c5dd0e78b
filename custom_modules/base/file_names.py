"""Names of files that Windows does not allow, or takes for something else."""

import os
from pathlib import Path

from .errors import UserError

_DEVICES = {'con', 'prn', 'aux', 'nul', 'conin$', 'conout$'} | {
    f'{port}{number}' for port in ('com', 'lpt') for number in '123456789¹²³'
}
_CHARACTERS = set('<>:"/\\|?*')


def forbidden_on_windows(name: str) -> str:
    """Return why Windows does not allow a file or folder of this name; '' where it does."""
    wrong = [sign for sign in name if sign in _CHARACTERS or ord(sign) < 32]
    if wrong:
        return f'{wrong[0]!r} is in it'
    if name.partition('.')[0].rstrip(' ').casefold() in _DEVICES:
        return 'it is that of a device'
    if name not in ('.', '..') and name[-1:] in ('.', ' '):
        return f'it ends with {name[-1]!r}'
    return ''


def refuse_forbidden(path: Path, everywhere: bool = False) -> None:
    """Refuse a path that cannot be written on Windows, in silence: ``aux.png`` goes to a device.

    Args:
        path: file or folder to write.
        everywhere: whether other systems refuse it too, for what is made to be given away.

    Raises:
        UserError: a part of the path has such a name.
    """
    if not (everywhere or os.name == 'nt'):
        return
    for part in path.parts[bool(path.anchor) :]:
        if reason := forbidden_on_windows(part):
            raise UserError(
                f'{path}: Windows does not allow the name {part!r} ({reason}); choose another'
            )
