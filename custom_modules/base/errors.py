"""The one error class for mistakes of the user, and the helper that names near matches."""

import difflib
from collections.abc import Iterable


class UserError(ValueError):
    """A mistake the user can mend: the tools print its message and leave with status 2.

    The message says which value was found, what is allowed and what to do next.
    """


class EmptySplitError(UserError):
    """A split of a data set has no image; one may do without a validation."""


class UnreadableImageError(UserError):
    """A file of the data cannot be decoded; a training may be told to do without it."""


def user_message(error: UserError) -> str:
    """Return the message of ``error`` without the traceback a data loader worker puts around it."""
    text = str(error)
    marker = f'{type(error).__name__}: '
    return text.rsplit(marker, 1)[-1].strip() if 'Traceback' in text else text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``'; did you mean a, b?'`` for the names nearest to ``name``, or an empty string."""
    near = difflib.get_close_matches(name, sorted(set(known)), n=3, cutoff=0.6)
    return f'; did you mean {", ".join(near)}?' if near else ''
