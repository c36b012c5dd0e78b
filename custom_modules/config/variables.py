"""Variables of a config: ``'$image_size'`` stands for the top-level key ``image_size``.

MMEngine resolves references when a base file is read, so a child that sets ``image_size`` would
change nothing else. Here they are resolved last, after inheritance and ``--cfg-options``: one line
changes a value wherever it matters.
"""

from collections.abc import Collection
from typing import Any

from ..base.errors import UserError, did_you_mean
from .keys import RUNNER_KEYS

#: Values that a config of somebody else may grow into: variables of variables multiply.
_MOST_VALUES = 50_000


def substitute_variables(
    config: dict[str, Any], source: str, spare: Collection[str] = (), bounded: bool = False
) -> tuple[dict[str, Any], set[str]]:
    """Replace every ``'$name'`` and take the variables themselves away.

    A string that is exactly ``$name`` stands for the value, of any type. Values may refer to other
    variables.

    Args:
        config: merged config, its variables still in place.
        source: config file's path, for messages.
        spare: names of variables that may be there although nothing uses them any more.
        bounded: whether a config is refused whose variables grow into very many values.

    Returns:
        The resolved config and the names of the variables that it uses.

    Raises:
        UserError: a variable is missing or refers to itself, a top-level key is neither MMEngine's
            nor used as a variable (a misspelt or dead key), or ``bounded`` refuses the config.
    """
    used: set[str] = set()
    values = 0

    def put_in(value: Any, inside: tuple[str, ...] = ()) -> Any:
        nonlocal values
        values += 1
        if bounded and values > _MOST_VALUES:
            raise UserError(f'{source}: its variables grow into more than {_MOST_VALUES:,} values')
        if isinstance(value, dict):
            return {key: put_in(item, inside) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(put_in(item, inside) for item in value)
        if isinstance(value, str) and value[:1] == '$' and value[1:].isidentifier():
            name = value[1:]
            if name in inside:
                raise UserError(f'{source}: the variable {value} refers to itself')
            if name not in config:
                near = did_you_mean(name, config)
                raise UserError(f'{source}: the variable {value} is used but not set{near}')
            used.add(name)
            return put_in(config[name], (*inside, name))
        return value

    resolved = {key: put_in(value) for key, value in config.items() if key in RUNNER_KEYS}
    dead = [key for key in config if key not in RUNNER_KEYS | used and key not in spare]
    if dead:
        near = did_you_mean(dead[0], RUNNER_KEYS | used)
        raise UserError(
            f'{source}: nothing uses the key {dead[0]!r}{near or "; remove it"} '
            f'(variables of this config: {", ".join(sorted(used))})'
        )
    return resolved, used
