"""A printed config loads to the same, and every value of it tells the file it comes from."""

import ast
import math
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from custom_modules.commands.print_config import LONGEST, annotated
from custom_modules.config import LoadedConfig, load_config
from custom_modules.config.layers import option_layer
from custom_modules.config.load import _merge, _parse_options
from custom_modules.config.python_file import read_python_config
from custom_modules.config.written import parse_code
from tests.conftest import ROOT, Command

SAMPLE = 'configs/sample/unet_sample.py'
Place = tuple[str | int, ...]


def read(path: Path, options: list[str] | None = None) -> LoadedConfig:
    """Return a config that need not be one of a model: nothing of it is checked."""
    config, layers = read_python_config(path)
    parsed = _parse_options(options or [])
    layers += [option_layer(key, value) for key, value in parsed.items()]
    _merge(config, parsed)
    return LoadedConfig(path, config, config.to_dict(), tuple(layers))


def executed(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(text, names)
    return {key: value for key, value in names.items() if key != '__builtins__'}


def told(text: str) -> dict[Place, str]:
    """Return the comment beside each value of a printed config, by its place.

    An empty dict, list or tuple is a value.
    """
    comments = [line.partition('  # ')[2].strip() for line in text.splitlines()]

    def leaves(node: ast.expr, place: Place) -> Iterator[tuple[Place, str]]:
        items: list[tuple[str | int, ast.expr]] = []
        if isinstance(node, ast.Dict):
            items = [(ast.literal_eval(k), v) for k, v in zip(node.keys, node.values, strict=True)]
        elif isinstance(node, ast.Call) and node.keywords:
            items = [(str(keyword.arg), keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.List | ast.Tuple):
            items = list(enumerate(node.elts))
        for key, item in items:
            yield from leaves(item, (*place, key))
        if not items:
            assert node.end_lineno == node.lineno
            yield place, comments[node.lineno - 1]

    found: dict[Place, str] = {}
    for line in ast.parse(text).body:
        assert isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
        found.update(leaves(line.value, (line.targets[0].id,)))
    return found


TREE = {
    'base.py': """
side = 64
kept = 'base'
written_again = 1
net = dict(type='Net', depth=3, act=dict(type='ReLU', slope=0.1), norm=dict(type='IN'))
other = dict(a=1, b=dict(c=2, d=3))
steps = [dict(type='Load'), dict(type='Resize', scale='$side'), dict(type='Flip', prob=0.5)]
loader = dict(batch=4, steps='$steps', size=('$side', '$twice'))
twice = '$side'
emptied = dict(a=1)
""",
    'second.py': """
mean = [1.0, 2.0, 3.0]
limit = float('inf')
levels = {2: 512, 'the last': 1024}
one = (1,)
""",
    'middle.py': """
_base_ = ['base.py', 'second.py']
import math as _math_of_mine

doubled = _base_.side * 2
copied = {{_base_.net.act}}
net = dict(depth=5)
written_again = 1
levels = {3: 256}
emptied = dict(_delete_=True)
""",
    'leaf.py': """
_base_ = './middle.py'
side = 32
net = dict(act=dict(slope=0.2), extra=[], more={})
other = dict(b=dict(_delete_=True, e=5))
mean = [0.0, 0.0, 0.0]
wide = 'a text that is so long that it does not fit before the column of the comments at all'
""",
}
OPTIONS = ['kept=given', 'net.norm.type=BN', 'steps.2.prob=0.9', "other.b={'_delete_':True,'f':6}"]

#: Place of each value -> the file that says it, and what a variable stands for, by hand.
BY_HAND: dict[Place, str] = {
    ('side',): 'leaf.py',
    ('kept',): '--cfg-options',
    ('written_again',): 'middle.py',
    ('net', 'type'): 'base.py',
    ('net', 'depth'): 'middle.py',
    ('net', 'act', 'type'): 'base.py',
    ('net', 'act', 'slope'): 'leaf.py',
    ('net', 'norm', 'type'): '--cfg-options',
    ('net', 'extra'): 'leaf.py',
    ('net', 'more'): 'leaf.py',
    ('other', 'a'): 'base.py',
    ('other', 'b', 'f'): '--cfg-options',
    ('steps', 0, 'type'): 'base.py',
    ('steps', 1, 'type'): 'base.py',
    ('steps', 1, 'scale'): 'base.py; 32 from leaf.py',
    ('steps', 2, 'type'): 'base.py',
    ('steps', 2, 'prob'): '--cfg-options',
    ('loader', 'batch'): 'base.py',
    ('loader', 'steps'): 'base.py',
    ('loader', 'size', 0): 'base.py; 32 from leaf.py',
    ('loader', 'size', 1): 'base.py; 32 from leaf.py',
    ('twice',): 'base.py; 32 from leaf.py',
    ('emptied',): 'middle.py',
    **{('mean', index): 'leaf.py' for index in range(3)},
    ('limit',): 'second.py',
    ('levels', 2): 'second.py',
    ('levels', 'the last'): 'second.py',
    ('levels', 3): 'middle.py',
    ('one', 0): 'second.py',
    ('doubled',): 'middle.py',
    ('copied', 'type'): 'middle.py',
    ('copied', 'slope'): 'middle.py',
    ('wide',): 'leaf.py',
}


@pytest.fixture
def leaf(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).write_text(text)
    return tmp_path / 'leaf.py'


def test_every_value_of_a_tree_by_hand(leaf: Path) -> None:
    config = read(leaf, OPTIONS)
    text = annotated(config)
    found = {place: note.replace(f'{leaf.parent}/', '') for place, note in told(text).items()}
    assert found == BY_HAND
    assert repr(executed(text)) == repr(config.written)
    values = executed(text)
    assert (values['doubled'], values['copied']) == (128, dict(type='ReLU', slope=0.1))
    assert values['other'] == dict(a=1, b=dict(f=6)) and values['limit'] == math.inf
    assert parse_code(text, 'the text') == config.data
    columns = {line.index('  # ') for line in text.splitlines() if '  # ' in line}
    assert max(columns) > LONGEST and sorted(columns)[-2] <= LONGEST and len(columns) == 2


def sets(values: Any, place: Place) -> bool:
    """Return whether the values of a file hold a place, or a list or number where it is."""
    for key in place:
        if not isinstance(values, dict):
            return True
        if str(key) not in values:
            return False
        values = values[str(key)]
    return True


@cache
def by_parsing(path: Path) -> list[tuple[str, dict]]:
    """Return a config of the project and its bases as their texts have them, the last first."""
    values = parse_code(path.read_text(encoding='utf-8'), str(path))
    names = values.pop('_base_', [])
    below = [
        file
        for name in reversed([names] if isinstance(names, str) else names)
        for file in by_parsing((path.parent / name).resolve())
    ]
    return [(path.relative_to(ROOT).as_posix(), values), *below]


def test_every_config_prints_with_the_files_of_its_values() -> None:
    """Compared with what the texts of the files say, neither executed nor merged."""
    configs = sorted(
        path
        for path in (ROOT / 'configs').rglob('*.py')
        if 'mmseg::' not in path.read_text(encoding='utf-8')  # a base that is code, not values
    )
    assert len(configs) > 90
    for path in configs:
        config = read(path)
        text = annotated(config)
        assert repr(executed(text)) == repr(config.written), path
        for place, note in told(text).items():
            expected = next(name for name, values in by_parsing(path) if sets(values, place))
            assert note.partition(';')[0] == expected, (path, place)


def test_the_tool(run_tool_here: Command, tmp_path: Path) -> None:
    options = ['image_size=64', 'train_pipeline.3.prob=0.1']
    mine = tmp_path / 'noisy.py'
    mine.write_text(f"_base_ = '{ROOT / SAMPLE}'\nprint('from the config')\n")
    done = run_tool_here('print_config.py', mine, '--cfg-options', *options)
    assert (done.returncode, done.stderr) == (0, 'from the config\n')
    assert done.stdout.startswith(f'# Config: {mine}\n')
    assert 'image_size = 64 ' in done.stdout and '# --cfg-options\n' in done.stdout
    (tmp_path / 'copied.py').write_text(done.stdout)
    before, after = load_config(mine, options), load_config(tmp_path / 'copied.py')
    assert repr(after.resolved.to_dict()) == repr(before.resolved.to_dict())
    assert repr(after.written) == repr(before.written)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nowhere.py'], 'nowhere.py: there is no such config; see configs/'),
        (['README.md'], 'a config is a .py file, or the folder of a published model'),
        ([SAMPLE, '--cfg-options', 'batch_size'], '--cfg-options batch_size: write key=value'),
        ([SAMPLE, '--cfg-options', 'imagesize=3'], "nothing uses the key 'imagesize'; did you"),
        ([SAMPLE, '--cfg-options', 'losses.9.type=A'], 'Index 9 exceeds the length'),
    ],
)
def test_mistakes(arguments: list[str], message: str, run_tool_here: Command) -> None:
    done = run_tool_here('print_config.py', *arguments)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
    assert message in done.stderr


def test_the_example_of_the_readme() -> None:
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    (example,) = re.findall(r'```text\n(optim_wrapper = .*?)```', readme, re.DOTALL)
    text = annotated(load_config('configs/unet_pet.py'))
    assert re.sub(r' +', ' ', example) in re.sub(r' +', ' ', text)


def test_values_that_are_not_plain(tmp_path: Path) -> None:
    path = tmp_path / 'mine.py'
    path.write_text(
        'from pathlib import Path\nimport numpy as np\nrate = np.float64(0.5)\n'
        "flag = np.bool_(True)\nlow = -float('inf')\nfolder = Path('a/b')\nkinds = {2}\n"
        "words = {'class': 1}\n"
    )
    expected = dict(rate=0.5, flag=True, low=-math.inf, folder='a/b', kinds={2}, words={'class': 1})
    found = executed(annotated(read(path)))
    assert repr(found) == repr(expected)


@pytest.mark.skipif(sys.platform == 'win32', reason='no such names there')
def test_the_name_of_a_file_stays_in_its_comment(tmp_path: Path) -> None:
    path = tmp_path / 'a\nimport os\n.py'
    path.write_text("a = 'b\\n'\n")
    assert executed(annotated(read(path))) == dict(a='b\n')
