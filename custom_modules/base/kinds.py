"""What values may be: kinds of settings, each with its range, that say themselves in a message.

Examples:
    >>> AT_LEAST_ONE.check('batch_size', 0)
    UserError: batch_size = 0 is not allowed; use an integer from 1
"""

import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NoReturn

from .errors import UserError

#: Writes a value of any length into a line.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


class Kind(ABC):
    """A set of values. Its ``str`` are words that follow "use" in a message."""

    @abstractmethod
    def allows(self, value: Any) -> bool:
        """Return whether a value, of any type, is of this kind."""

    def check(self, name: str, value: Any) -> None:
        """Refuse a value that is not of this kind.

        Args:
            name: setting's dotted name, such as ``optim_wrapper.optimizer.lr``, or option, such as
                ``--steps``; the message begins with it.
            value: value to check, of any type.

        Raises:
            UserError: the value is not of this kind; the message is like ``batch_size = 0 is not
                allowed; use an integer from 1``.
        """
        if not self.allows(value):
            refuse(name, value, f'use {self}')


def refuse(name: str, value: Any, remedy: str) -> NoReturn:
    """Raise the UserError about a value.

    Args:
        name: setting's dotted name or, with its dashes, an option.
        value: value that was found, of any type.
        remedy: end of the message: what is allowed, or what to do.
    """
    shown = ' '.join(_SHORT.repr(value).split())
    text = f'{name} {value}' if name.startswith('-') else f'{name} = {shown}'
    raise UserError(f'{text} is not allowed; {remedy}')


@dataclass(frozen=True)
class Number(Kind):
    """A finite number within bounds. True and False are none.

    Attributes:
        least: smallest number that is allowed; None for no such bound.
        most: largest number that is allowed; None for no such bound.
        above: number that all allowed ones are greater than; None for no such bound.
        below: number that all allowed ones are less than; None for no such bound.
        whole: whether only integers are allowed.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    def allows(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number: Any = value
        return (
            (self.whole or _is_finite(number))
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def __str__(self) -> str:
        bounded = self.most is not None or self.below is not None
        words = 'an integer' if self.whole else 'a number' if bounded else 'a finite number'
        if self.least is not None:
            words += f' from {self.least:,}' + (' to' if bounded else '')
        elif self.above is not None:
            words += f' above {self.above:,}' + (' and' if bounded else '')
        if self.most is not None:
            words += f' {self.most:,}' if self.least is not None else f' up to {self.most:,}'
        return words if self.below is None else f'{words} below {self.below:,}'


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that no float can hold
        return False


def integer(least: int | None = None, most: int | None = None) -> Number:
    """Return the integers from ``least`` to ``most``."""
    return Number(least, most, whole=True)


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few values."""

    values: tuple[object, ...]

    def allows(self, value: Any) -> bool:
        return any(type(value) is type(one) and value == one for one in self.values)

    def __str__(self) -> str:
        return _or(list(map(repr, self.values)))


def choice(*values: object) -> Choice:
    """Return the kind of exactly these values."""
    return Choice(values)


class _Text(Kind):
    """Text that is not empty."""

    def allows(self, value: Any) -> bool:
        return isinstance(value, str | Path) and bool(str(value).strip())

    def __str__(self) -> str:
        return 'text that is not empty'


class _Folder(Kind):
    """The path of a folder; a bare word is one only where the folder is there.

    So ``cache = 'maybe'`` is a mistake, and ``cache = './maybe'`` a folder to be made.
    """

    def allows(self, value: Any) -> bool:
        if not TEXT.allows(value) or '\0' in str(value):
            return False
        path = Path(str(value)).expanduser()
        return isinstance(value, Path) or len(path.parts) > 1 or './' in value or path.is_dir()

    def __str__(self) -> str:
        return "the path of a folder (a new one with a slash in it, './name')"


class _Dict(Kind):
    """A dict."""

    def allows(self, value: Any) -> bool:
        return isinstance(value, Mapping)

    def __str__(self) -> str:
        return 'a dict'


class _Part(_Dict):
    """A dict that says with ``type`` which class it is for."""

    def allows(self, value: Any) -> bool:
        kind = value.get('type') if isinstance(value, Mapping) else None
        return callable(kind) or (isinstance(kind, str) and bool(kind))

    def __str__(self) -> str:
        return "dict(type='...', ...)"


@dataclass(frozen=True)
class Several(Kind):
    """A list or tuple.

    Attributes:
        kind: kind that each value in the list must be of.
        least: smallest length that is allowed.
        exactly: only length that is allowed; None for any from ``least``.
    """

    kind: Kind
    least: int = 1
    exactly: int | None = None

    def allows(self, value: Any) -> bool:
        return (
            isinstance(value, Sequence)
            and not isinstance(value, str)
            and len(value) >= self.least
            and self.exactly in (None, len(value))
            and all(map(self.kind.allows, value))
        )

    def __str__(self) -> str:
        if self.exactly is not None:
            return f'a list of {self.exactly}, each {self.kind}'
        return f'a list{" of one or more" if self.least else ""}, each {self.kind}'


@dataclass(frozen=True)
class Either(Kind):
    """A value of one of some kinds."""

    kinds: tuple[Kind, ...]

    def allows(self, value: Any) -> bool:
        return any(kind.allows(value) for kind in self.kinds)

    def __str__(self) -> str:
        return _or(list(dict.fromkeys(map(str, self.kinds))))


@dataclass(frozen=True)
class Worded(Kind):
    """A kind with words of its own.

    Attributes:
        kind: kind that decides what is allowed.
        words: description of the kind for messages, where it follows "use".
    """

    kind: Kind
    words: str

    def allows(self, value: Any) -> bool:
        return self.kind.allows(value)

    def __str__(self) -> str:
        return self.words


def either(*kinds: Kind) -> Either:
    """Return the kind of what any of ``kinds`` allows."""
    return Either(kinds)


def _or(words: list[str]) -> str:
    return ' or '.join([', '.join(words[:-1]), words[-1]] if len(words) > 1 else words)


NONE = choice(None)
FLAG = choice(True, False)
TEXT, FOLDER, DICT, PART = _Text(), _Folder(), _Dict(), _Part()
ANY_NUMBER = Number()
POSITIVE = Number(above=0)
NOT_NEGATIVE = Number(0)
SHARE = Number(0, 1)
INSIDE_ONE = Number(above=0, below=1)
AT_LEAST_ONE, AT_LEAST_ZERO = integer(1), integer(0)
#: A seed of NumPy, the narrowest of all.
SEED = integer(0, 2**32 - 1)
