"""Packages that only some need: imported where they are used, missed in one line."""

import importlib
from types import ModuleType

from .errors import UserError


def needed_package(name: str, user: str, requirements: str) -> ModuleType:
    """Return a package.

    Args:
        name: name that it is imported by.
        user: what needs it, as the beginning of the message: 'volumes need'.
        requirements: file with the requirements that it is among.

    Raises:
        UserError: the package, or one that it needs, is missing or cannot be imported; the message
            names what to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UserError(
            f'{user} the package {error.name or name}, which is missing: '
            f'pip install -r {requirements}'
        ) from None
    except Exception as error:  # compiled parts that do not fit each other, such as torchvision's
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f'{user} the package {name}, which cannot be imported ({reason}): install what fits '
            f'your torch, pip install -r {requirements}'
        ) from None
