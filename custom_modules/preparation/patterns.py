"""Folders and patterns by which a user names files: ``--masks 'gt'``, ``--masks '*_mask.png'``."""

import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from .keys import common_beginning
from .series import TAIL, Series
from .words import plain


def selects(text: str, path: PurePosixPath) -> bool:
    """Say whether ``--images`` or ``--masks`` means a file: a folder, or a pattern of its path."""
    text = plain(text.replace('\\', '/').strip('/'))
    parts = tuple(plain(part) for part in path.parts)
    if any(sign in text for sign in '*?['):
        tails = ('/'.join(parts[n:]) for n in range(len(parts)))
        return any(fnmatch.fnmatchcase(tail, text) for tail in tails)
    wanted = tuple(text.split('/'))
    return any(parts[n : n + len(wanted)] == wanted for n in range(len(parts)))


def option_for(series: Series, others: Sequence[Series]) -> str:
    """Return a text for ``--images`` or ``--masks`` that means this series and no other one."""
    own = [picture.path for picture in series.pictures]
    foreign = [p.path for other in others if other is not series for p in other.pictures]
    for text in _descriptions(own):
        if all(selects(text, p) for p in own) and not any(selects(text, p) for p in foreign):
            return text
    return str(own[0].parent)


def _descriptions(paths: Sequence[PurePosixPath]) -> Iterator[str]:
    """Yield folders and patterns that may mean the files, the simplest first."""
    first = paths[0].parts[:-1]
    yield from reversed(first)
    yield from ('/'.join(first[n:]) for n in range(len(first) - 2, -1, -1))
    endings = {path.suffix for path in paths}
    ending = endings.pop() if len(endings) == 1 else '.*'
    stems = [plain(path.stem) for path in paths]
    tail = common_beginning([stem[::-1] for stem in stems])[::-1]
    head = common_beginning(stems)
    yield from (f'*{end}{ending}' for end in (_from_separator(tail), tail) if end)
    yield from (f'{beginning}*{ending}' for beginning in (head,) if beginning)
    yield f'*{ending}'
    if first:
        yield f'{first[-1]}/*{ending}'


def _from_separator(tail: str) -> str:
    """Return the end of names from its first separator on: ``_mask`` of ``l_mask``."""
    places = [n for n, sign in enumerate(tail) if not sign.isalnum()]
    return tail[places[0] :] if places else ''


def shared_pattern(path: PurePosixPath) -> str:
    """Return a pattern for files that end as this one does: ``*_manual2.gif``."""
    found = TAIL.match(path.stem)
    return f'*{found["label"] if found else path.stem[-2:]}{path.suffix}'
