"""Which categories are foreground: the only one, those that the user names, or a question."""

from collections.abc import Iterable, Mapping, Sequence

from ...base.errors import UserError, did_you_mean
from ...base.shell import shell_word
from ...datasets.list_file import some
from ..answers import Answers
from ..mask_kinds.labels import BACKGROUND, FOREGROUND, IGNORED
from ..question import QuestionError
from ..words import plain

#: Names that labelme and CVAT have for pixels of no object, and labelme for those without a class.
BACKGROUNDS, IGNORES = ('_background_', 'background'), ('__ignore__',)

#: Every category.
ALL = 'nonzero'

#: Categories that a question offers.
OFFERED = 12


def label_categories(
    used: Mapping[str, int], parents: Mapping[str, Sequence[str]], answers: Answers, where: str
) -> dict[str, int]:
    """Return category -> label of what is painted; categories that are not in it are not.

    Args:
        used: category -> number of objects.
        parents: super-category -> its categories.
        answers: what the user has said.
        where: the annotation files, for messages.

    Raises:
        QuestionError: there are several categories, and nothing is said of them.
        UserError: there are no objects, or what is named is no category.
    """
    labels = {name: BACKGROUND for name in used if plain(name) in BACKGROUNDS}
    labels |= {name: IGNORED for name in used if plain(name) in IGNORES}
    choices = [name for name in used if name not in labels]
    if not choices:
        raise UserError(f'{where}: no object in any image; see whether the export holds outlines')
    ignored = _named('--ignore', answers.ignore, choices, parents)
    foreground = _named('--foreground', answers.foreground, choices, parents)
    left = [name for name in choices if name not in ignored]
    if not foreground:
        if len(left) != 1:
            raise QuestionError(*_question(where, used, left, parents))
        foreground = left
    return labels | dict.fromkeys(foreground, FOREGROUND) | dict.fromkeys(ignored, IGNORED)


def _named(
    option: str,
    words: Iterable[str],
    choices: Sequence[str],
    parents: Mapping[str, Sequence[str]],
) -> list[str]:
    """Return the categories that words name: each itself, or those of a super-category."""
    found: list[str] = []
    for word in words:
        exact = [name for name in choices if name == word]
        alike = exact or [name for name in choices if plain(name) == plain(word)]
        children = [
            name
            for parent, members in parents.items()
            if plain(parent) == plain(word)
            for name in members
            if name in choices
        ]
        named = [*choices] if word == ALL else alike or children
        if not named:
            known = [*choices, *parents]
            raise UserError(
                f'{option} {word}: no category with objects; there are {some(choices)}'
                f'{did_you_mean(word, known)}'
            )
        found += named
    return found


def _question(
    where: str,
    used: Mapping[str, int],
    left: Sequence[str],
    parents: Mapping[str, Sequence[str]],
) -> tuple[str, dict[str, str]]:
    most = sorted(left, key=lambda name: -used[name])[:OFFERED]
    answers = {
        f'--foreground {shell_word(name)}': f'{used[name]:,} objects; the others are background'
        for name in most
    }
    for parent, members in parents.items():
        children = [name for name in members if name in left]
        if parent not in left and 1 < len(children) < len(left):
            answers[f'--foreground {shell_word(parent)}'] = f'all of {", ".join(children)}'
    if len(left) <= OFFERED:
        every = ' '.join(shell_word(name) for name in left)
        answers[f'--foreground {every}'] = 'objects of all categories'
    else:
        answers[f'--foreground {ALL}'] = 'objects of all categories'
    listing = ', '.join(f'{name} ({used[name]:,})' for name in most)
    more = f' and {len(left) - len(most)} more' if len(left) > len(most) else ''
    return (
        f'{where}: objects of {len(left)} categories, {listing}{more}: which are foreground?',
        answers,
    )
