"""The models of a service, as its command line names them."""

from collections.abc import Sequence

from ..api import load
from ..export.publishing import CARD
from ..named_model import named_model
from ..prediction import Predictor


def load_models(
    words: Sequence[str], batch_size: int
) -> tuple[dict[str, Predictor], dict[str, str]]:
    """Return models by name, in the order of the words, and the cards of those that have one.

    Args:
        words: folders of ``tools/publish.py``, and configs, each followed by its checkpoint.
        batch_size: images that a network sees at a time.

    Raises:
        UserError: a config without a checkpoint, or one that cannot be loaded.
    """
    predictors: dict[str, Predictor] = {}
    cards: dict[str, str] = {}
    rest = list(words)
    while rest:
        path, checkpoint, rest = named_model(rest)
        name = _new_name(path.resolve().stem, predictors)
        predictors[name] = load(path, checkpoint, batch_size=batch_size)
        if (path / CARD).is_file():
            cards[name] = (path / CARD).read_text(encoding='utf-8')
    return predictors, cards


def _new_name(name: str, taken: dict[str, Predictor]) -> str:
    number = 2
    new = name
    while new in taken:
        new, number = f'{name}-{number}', number + 1
    return new
