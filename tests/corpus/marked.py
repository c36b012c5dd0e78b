"""The proof that nothing was executed: a file that would be there."""

import sys
from collections.abc import Callable
from pathlib import Path


def marked(folder: Path, use: Callable[[], str]) -> str:
    """Return what ``use`` says; nothing may have made the file ``executed`` meanwhile.

    A package ``stranger`` that would make it lies where Python looks for modules.
    """
    marker = folder / 'executed'
    package = folder / 'stranger'
    package.mkdir()
    for name in ('__init__.py', 'registry.py'):
        (package / name).write_text(f'open({str(marker)!r}, "w")\n')
    sys.path.insert(0, str(folder))
    try:
        return use()
    finally:
        sys.path.remove(str(folder))
        assert not marker.exists(), 'the config was executed'
