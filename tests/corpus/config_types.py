"""Types in a Python config: names of registries, and what its ``custom_imports`` brought."""

from collections.abc import Callable
from pathlib import Path

from mmengine.registry import HOOKS, MODELS

from custom_modules.config import load_config

from .case import Case
from .marked import marked
from .settings import BASE

OWN = """
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module(force=True)
class Greeting(Hook):
    pass

class Unregistered(Hook):
    pass
"""


def _typed(*lines: str, options: tuple[str, ...] = ()) -> Callable[[Path], str]:
    """Return what a Python config says, whose hooks are then built."""

    def run(folder: Path) -> str:
        path = folder / 'mine.py'
        text = '\n'.join([f"_base_ = '{BASE}'", *lines])
        path.write_text(text.replace('MARKER', str(folder / 'executed')))
        (folder / f'own_{folder.name}.py').write_text(OWN)
        path.write_text(path.read_text().replace('OWN', f'own_{folder.name}'))
        words = [word.replace('MARKER', str(folder / 'executed')) for word in options]

        def use() -> str:
            config = load_config(path, words).resolved
            names = [type(HOOKS.build(hook)).__name__ for hook in config.custom_hooks]
            MODELS.build(config.model)
            return ', '.join(names)

        return marked(folder, use)

    return run


BROUGHT = "custom_imports = dict(imports=['OWN'])"
IS_NO_NAME = 'is not registered'

TYPES: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'a command as a hook': (
        _typed("custom_hooks = [dict(type='os.system', command='touch MARKER')]"),
        IS_NO_NAME,
        '',
    ),
    'a command as a hook, as an option': (
        _typed(
            "custom_hooks = [dict(type='ConsoleHook')]",
            options=(
                'custom_hooks.0.type=os.system',
                'custom_hooks.0.command=touch MARKER',
            ),
        ),
        IS_NO_NAME,
        '',
    ),
    'a process as the encoder': (
        _typed("model = dict(backbone=dict(_delete_=True, type='subprocess.Popen', args=['ls']))"),
        IS_NO_NAME,
        '',
    ),
    'a training as the head': (
        _typed("model = dict(decode_head=dict(_delete_=True, type='mmengine.runner.Runner'))"),
        IS_NO_NAME,
        '',
    ),
    'a class of torch by its path': (
        _typed("optim_wrapper = dict(optimizer=dict(type='torch.optim.SGD'))"),
        IS_NO_NAME,
        '',
    ),
    'a package that nobody asked for': (
        _typed("custom_hooks = [dict(type='stranger.Hook')]"),
        IS_NO_NAME,
        '',
    ),
    'a package that an option asks for': (
        _typed(
            "custom_hooks = [dict(type='stranger.Hook')]",
            options=('custom_imports.imports=[stranger]',),
        ),
        IS_NO_NAME,
        '',
    ),
    'a class that is not in the module it brought': (
        _typed(BROUGHT, "custom_hooks = [dict(type='OWN.Hello')]"),
        IS_NO_NAME,
        '',
    ),
    'a module of the module it brought': (
        _typed(BROUGHT, "custom_hooks = [dict(type='OWN.os.system')]"),
        IS_NO_NAME,
        '',
    ),
    'a class of its own': (
        _typed(BROUGHT, "custom_hooks = [dict(type='Greeting')]"),
        '',
        'Greeting',
    ),
    'a class of its own by its path': (
        _typed(BROUGHT, "custom_hooks = [dict(type='OWN.Unregistered')]"),
        '',
        'Unregistered',
    ),
    'a class of its own behind a variable': (
        _typed(BROUGHT, "hello = 'Greeting'", "custom_hooks = [dict(type='$hello')]"),
        '',
        'Greeting',
    ),
    'a class of the library by its scope': (
        _typed("custom_hooks = [dict(type='mmengine.EmptyCacheHook')]"),
        '',
        'EmptyCacheHook',
    ),
}

CONFIG_TYPES = tuple(Case('type in a config', name, *rest) for name, rest in TYPES.items())
