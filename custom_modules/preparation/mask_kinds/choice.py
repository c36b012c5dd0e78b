"""What the user has chosen as foreground, and as what does not count."""

from collections.abc import Sequence

import numpy as np

from ...base.errors import UserError
from ..answers import Answers
from .group import Group, parse_colour
from .labels import FOREGROUND, IGNORED
from .view import unpacked

#: Everything but 0, or but black.
NONZERO = 'nonzero'

#: A colour that the user names may be as far from one that is there, of 255 in each channel.
NEAR = 24


class Choice:
    """The user's words for values, indices and colours, found again in the masks.

    Args:
        answers: what the user has said.

    Raises:
        UserError: a word is no value, index or colour.
    """

    def __init__(self, answers: Answers) -> None:
        self.threshold = answers.threshold
        self.foreground = answers.foreground
        self.ignore = answers.ignore
        self._found: set[str] = set()
        for option, words in (('--foreground', self.foreground), ('--ignore', self.ignore)):
            for word in words:
                if word != NONZERO and _number(word) is None and parse_colour(word) is None:
                    raise UserError(
                        f'{option} {word}: is no value or index (such as 8), no colour (such as '
                        f"'#ff0000') and not {NONZERO}"
                    )

    def labels(self, group: Group) -> dict[int, int]:
        """Return the label of each value that the user's words name, IGNORED before FOREGROUND."""
        found = {}
        for words, label in ((self.foreground, FOREGROUND), (self.ignore, IGNORED)):
            for value in group.values.tolist():
                if self._names(words, value, group):
                    found[value] = label
        return found

    def refuse_unknown(self, groups: Sequence[Group]) -> None:
        """Refuse words that name nothing that is there.

        Raises:
            UserError: a word names no value of any mask.
        """
        for option, words in (('--foreground', self.foreground), ('--ignore', self.ignore)):
            for word in words:
                if word not in self._found:
                    there = '; '.join(group.listing() for group in groups)
                    raise UserError(f'{option} {word}: no mask has it; there are {there}')

    def _names(self, words: Sequence[str], value: int, group: Group) -> bool:
        named = [word for word in words if _is(word, value, group)]
        self._found.update(named)
        return bool(named)


def _is(word: str, value: int, group: Group) -> bool:
    if word == NONZERO:
        if group.kind.place == 'colours':
            return not is_black(value)
        return value not in (0, group.outline)
    if group.kind.place != 'colours' and _number(word) is not None:
        return _number(word) == value
    colour = parse_colour(word)
    if colour is None:
        return False
    if group.kind.place == 'colours':
        return _distance(value, colour) <= NEAR
    if value in group.palette:
        return group.palette[value] == colour
    return colour == value << 16 | value << 8 | value


def is_black(colour: int) -> bool:
    """Say whether a colour differs from black by no more than noise."""
    return _distance(colour, 0) <= NEAR


def _distance(one: int, other: int) -> int:
    """Return the largest difference of two colours' channels."""
    return int(np.abs(unpacked(np.array(one)).astype(int) - unpacked(np.array(other))).max())


def _number(word: str) -> int | None:
    try:
        return int(word)
    except ValueError:
        return None
