"""A type in a config is a name of a registry; nothing is imported because a config names it.

MMEngine's registries import what they do not know: any dotted path (``type='os.system'`` runs a
command) and the module ``registry`` of any package before the first dot, also from ``_scope_`` and
``default_scope``. Every build goes through ``Registry.get``, so both are replaced there, for nested
types and for those under other keys (``resize_type``, ``ema_type``, ``constructor``) too.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from io import StringIO
from types import ModuleType

import mmcv.transforms  # noqa: F401  registers the transforms
import mmengine.registry
import mmengine.registry.registry as lookups
from mmengine.registry import Registry

from ..datasets.transforms.albumentations import PREFIX, albumentations_class

REGISTRIES: list[Registry] = [
    value for value in vars(mmengine.registry).values() if isinstance(value, Registry)
]

#: Libraries that may stand before the first dot: ``mmseg.ResNet``.
_SCOPES = frozenset({'mmcv', 'mmengine', 'mmseg'})

#: Modules of the ``custom_imports`` of the Python configs that this process has executed.
_imported: set[str] = set()


def allow_modules(names: str | Iterable[str]) -> None:
    """Let types name what is in the modules of ``custom_imports``: ``my_module.MyHook``."""
    _imported.update([names] if isinstance(names, str) else names)


def registered(kind: str) -> list[Callable]:
    """Return what a type may name: one name can be in several registries (a layer, a hook).

    Args:
        kind: registered name, with or without its library (``ResNet``, ``mmseg.ResNet``); path of a
            class in a module of ``custom_imports``; ``albumentations.<Name>``.

    Returns:
        The classes and functions; empty where it names none.

    Raises:
        UserError: the type begins with ``albumentations.``, and that library is not installed or
            has no such transform.
    """
    if kind.startswith(PREFIX):
        return [albumentations_class(kind)]
    if kind.startswith('mmseg.'):
        # Its first import prints "Could not import OneDL" twice, which says nothing to a user.
        with redirect_stdout(StringIO()):
            import mmseg.datasets  # noqa: F401
            import mmseg.models  # noqa: F401
    found = [registry.get(kind) for registry in REGISTRIES]
    return list({id(one): one for one in found if one is not None}.values())


def _in_imported_module(path: str) -> Callable | None:
    """Return what ``custom_imports`` brought; takes the place of MMEngine's import of any path."""
    module, _, name = path.rpartition('.')
    if not any(module == own or module.startswith(f'{own}.') for own in _imported):
        return None
    found = getattr(sys.modules.get(module), name, None)
    return found if callable(found) else None


def _import_known(name: str, package: str | None = None) -> ModuleType:
    """Import a module for a registry, but not that of a package which nobody asked for."""
    scope, _, rest = name.partition('.')
    known = _SCOPES | {own.partition('.')[0] for own in _imported}
    if rest == 'registry' and scope not in known:
        raise ImportError(f'{scope} is in no custom_imports')
    return importlib.import_module(name, package)


lookups.get_object_from_string = _in_imported_module
lookups.import_module = _import_known
