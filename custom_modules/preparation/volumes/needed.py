"""Packages that only some need."""

import importlib
from types import ModuleType

from ...base.errors import UserError

REQUIREMENTS = 'requirements-medical.txt'


def needed(name: str) -> ModuleType:
    """Return a package.

    Raises:
        UserError: the package is missing; the message names what to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(
            f'volumes need the package {name}, which is missing: pip install -r {REQUIREMENTS}'
        ) from None
