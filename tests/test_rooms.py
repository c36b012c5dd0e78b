"""The rooms of the package: a room imports only from rooms above it in the list."""

import ast
from collections.abc import Iterator

from tests.conftest import ROOT

PACKAGE = ROOT / 'custom_modules'

#: From the bottom to the top. docs/design.md says what belongs where.
ROOMS = (
    'base',
    'datasets',
    'models',
    'distributed',
    'config',
    'evaluation',
    'runs',
    'visualization',
    'preparation',
    'engine',
    'export',
    'prediction',
    'api',
    'report',
    'audit',
    'studies',
    'service',
    'commands',
)


def imported_rooms() -> Iterator[tuple[str, str, str]]:
    """Yield file, its room and a room that it imports, for each import of the package's own."""
    for path in sorted(PACKAGE.rglob('*.py')):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = parts[: len(parts) - node.level]
                names = [*above, *(node.module or '').split('.')]
                rooms = [name for name in names if name][:1] or [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or '').startswith(PACKAGE.name):
                rooms = (node.module or '').split('.')[1:2]
            else:
                continue
            for room in rooms:
                yield str(path.relative_to(PACKAGE)), parts[0], room


def test_a_room_imports_only_from_rooms_above_it() -> None:
    places = {
        path.relative_to(PACKAGE).parts[0].removesuffix('.py') for path in PACKAGE.rglob('*.py')
    }
    assert places == {*ROOMS, '__init__'}
    wrong = [
        f'{file} imports {other}'
        for file, room, other in imported_rooms()
        if room != '__init__' and ROOMS.index(other) > ROOMS.index(room)
    ]
    assert wrong == []


def test_files_are_small_and_the_engine_is_short() -> None:
    lengths = {
        path: len(path.read_text(encoding='utf-8').splitlines()) for path in PACKAGE.rglob('*.py')
    }
    assert [str(path) for path, lines in lengths.items() if lines > 300] == []
    assert len([*(PACKAGE / 'engine').glob('*.py')]) < 20
    assert lengths[PACKAGE / 'engine' / 'runner.py'] < 200
