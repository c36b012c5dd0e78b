"""What ``--search`` asks for, as distributions of Optuna."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..base.errors import UserError

if TYPE_CHECKING:
    import optuna

_NUMBER = r'[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?'
_RANGE = re.compile(rf'({_NUMBER})\.\.({_NUMBER})(:log)?')


def parse_space(arguments: Sequence[str]) -> dict[str, 'optuna.distributions.BaseDistribution']:
    """Return what ``--search`` asks for: a distribution for each key of the config.

    ``learning_rate=1e-5..1e-2:log`` is a range on a logarithmic scale, ``batch_size=4..32`` one of
    whole numbers, ``precision=fp32,bf16`` a choice.

    Raises:
        UserError: an argument has none of these forms, or Optuna is missing.
    """
    distributions = import_optuna().distributions
    space: dict[str, Any] = {}
    for argument in arguments:
        key, _, text = argument.partition('=')
        mistake = UserError(
            f'--search {argument}: write key=low..high, key=low..high:log or key=a,b; each key once'
        )
        match = _RANGE.fullmatch(text)
        values = [value for value in text.split(',') if value]
        if not key or key in space or (not match and len({*values}) < 2):
            raise mistake
        if not match:
            space[key] = distributions.CategoricalDistribution(values)
            continue
        low, high, log = match.groups()
        whole = all(re.fullmatch(r'[-+]?\d+', bound) for bound in (low, high))
        if not float(low) < float(high) or (log and float(low) <= 0):
            raise mistake
        space[key] = (
            distributions.IntDistribution(int(low), int(high), log=bool(log))
            if whole
            else distributions.FloatDistribution(float(low), float(high), log=bool(log))
        )
    return space


def import_optuna() -> Any:
    """Return the module.

    Raises:
        UserError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise UserError('--search needs Optuna: pip install -r requirements-studies.txt') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
