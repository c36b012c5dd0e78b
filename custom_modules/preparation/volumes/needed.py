"""Packages that only some need."""

from types import ModuleType

from ...base.needed_package import needed_package

REQUIREMENTS = 'requirements-medical.txt'


def needed(name: str) -> ModuleType:
    """Return a package.

    Raises:
        UserError: the package is missing; the message names what to install.
    """
    return needed_package(name, 'volumes need', REQUIREMENTS)
