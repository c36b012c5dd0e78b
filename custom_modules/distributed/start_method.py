"""How loaders start their workers: as forks, or as interpreters of their own (``spawn``)."""

import multiprocessing
import os
import sys
from typing import Any

from ..base.device import use_device
from ..base.errors import UserError

#: Environment variable that decides, whatever a config says.
VARIABLE = 'PETSEG_START_METHOD'


def start_method(configured: str) -> str:
    """Return the start method of this run's processes.

    That of the environment, or else of the config where this system has it. macOS has forks, but
    its libraries do not survive them, so that Python itself begins with ``spawn`` there. Samples
    depend on seed, epoch and index alone, hence trainings under either are the same to the last
    bit.

    Args:
        configured: ``env_cfg.mp_cfg.mp_start_method`` of the config.

    Raises:
        UserError: the environment asks for a method that this system does not have.
    """
    methods = multiprocessing.get_all_start_methods()
    wanted = os.environ.get(VARIABLE)
    if wanted:
        if wanted not in methods:
            raise UserError(
                f'{VARIABLE}={wanted!r}: use one of {", ".join(methods)}, or unset it; this system '
                'has no others'
            )
        return wanted
    if configured not in methods or (configured == 'fork' and sys.platform == 'darwin'):
        return 'spawn'
    return configured


def prepare_process(settings: dict[str, Any]) -> dict[str, Any]:
    """Choose device and start method of this process; return an ``env_cfg`` that says the latter.

    MMEngine would warn of every change, and choose nothing on Windows.

    Args:
        settings: ``env_cfg`` of the config.

    Raises:
        UserError: see ``start_method`` and ``use_device``.
    """
    use_device(settings.get('device', 'auto'))
    processes = dict(settings.get('mp_cfg') or {})
    method = start_method(processes.get('mp_start_method', 'fork'))
    multiprocessing.set_start_method(method, force=True)
    return dict(settings, mp_cfg=dict(processes, mp_start_method=method))
