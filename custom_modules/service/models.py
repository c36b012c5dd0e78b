"""The models of a service, as its command line names them."""

import re
from collections.abc import Sequence
from pathlib import Path

from ..api import load
from ..base.errors import UserError
from ..base.json_file import read_text
from ..prediction import Predictor
from ..runs.named_model import named_model
from ..runs.published_folder import CARD

#: Bytes of a card at most.
LARGEST_CARD = 1 << 18


def load_models(
    words: Sequence[str], batch_size: int
) -> tuple[dict[str, Predictor], dict[str, str]]:
    """Return models by name, in the order of the words, and the cards of those that have one.

    Args:
        words: words of the command line: folders that ``tools/publish.py`` wrote, and configs, each
            followed by its checkpoint.
        batch_size: number of images that a network sees at a time.

    Raises:
        UserError: a config has no checkpoint, a model cannot be loaded, or a card cannot be shown.
    """
    predictors: dict[str, Predictor] = {}
    cards: dict[str, str] = {}
    rest = list(words)
    while rest:
        path, checkpoint, rest = named_model(rest)
        name = _new_name(path.resolve().stem, predictors)
        predictors[name] = load(path, checkpoint, batch_size=batch_size)
        if (card := read_card(path)) is not None:
            cards[name] = card
    return predictors, cards


def read_card(folder: Path) -> str | None:
    """Return the card of a published model, if it has one, without its lines for machines.

    Raises:
        UserError: the card is a link, too long, or no text.
    """
    path = folder / CARD
    if path.is_symlink():  # an untrusted folder may name any file of this machine
        raise UserError(f'{path}: is a link, whose file the page would show; put the file there')
    if not path.exists():
        return None
    return re.sub(r'\A---\n.*?\n---\n', '', read_text(path, LARGEST_CARD), flags=re.DOTALL).strip()


def _new_name(name: str, taken: dict[str, Predictor]) -> str:
    number = 2
    new = name
    while new in taken:
        new, number = f'{name}-{number}', number + 1
    return new
