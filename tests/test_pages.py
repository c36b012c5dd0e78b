"""What README and docs name is there, and the site of ``make docs`` holds all pages and rooms."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate.site import loaded_from_elsewhere, modules, rooms, write_pages
from tests.conftest import ROOT
from tests.test_rooms import PACKAGE, ROOMS

PAGES = [*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md'), ROOT / 'results' / 'README.md']

#: What a path may begin with; the other folders of a checkout are made while it is used.
TOPS = ('benchmarks', 'configs', 'custom_modules', 'docs', 'petseg', 'results', 'tests', 'tools')


#: A name that stands for others, a tool of MMSegmentation, the study that docs/ablations.md makes.
MADE_UP = (
    'tools/NAME.py',
    'configs/mine/',
    'tools/misc/',
    'configs/studies/width',
    'results/studies/width.json',
)


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links and pictures of a page that lie in the project."""
    text = re.sub(r'```.*?```|`[^`\n]*`', '', text, flags=re.DOTALL)
    yield from re.findall(r'(?:\]\(|src=")(?!\w+:)([^)"\s]+)', text)


def headings(text: str) -> set[str]:
    text = re.sub(r'```.*?```', '', text, flags=re.DOTALL)
    found = re.findall(r'^#+ (.+)$', text, re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', one.lower()).strip().replace(' ', '-') for one in found}


def named(text: str) -> Iterator[str]:
    """Yield the paths of the project that stand in code, in blocks or in a line."""
    for word in re.findall(r'(?<![\w/.$-])[\w.-]+(?:/[\w.*-]+)*/?', text):
        first, slash, _ = word.partition('/')
        is_module = first in ROOMS and word.endswith('.py')
        is_of_the_root = re.fullmatch(r'[A-Z]{3,}\.md|pyproject\.toml|requirements.*\.txt', word)
        if (slash and first in TOPS) or is_module or is_of_the_root:
            yield word.rstrip('./')


def is_there(name: str) -> bool:
    """Say whether a path, or one of a pattern, is there; modules are named without the package."""
    return name.startswith(MADE_UP) or any(any(folder.glob(name)) for folder in (ROOT, PACKAGE))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_of_a_page(page: Path) -> None:
    text = page.read_text(encoding='utf-8')
    for target in links(text):
        name, _, anchor = target.partition('#')
        other = page.parent / name if name else page
        assert other.exists(), target
        if anchor:
            assert anchor in headings(other.read_text(encoding='utf-8')), target
    # What was measured and what changed name files as they were called then.
    now = re.sub(r'<!-- made by python -m tests.*', '', text, flags=re.DOTALL)
    if page.name != 'CHANGELOG.md':
        assert [name for name in named(now) if not is_there(name)] == []
    targets = re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(encoding='utf-8'), re.MULTILINE)
    assert set(re.findall(r'`(?:[A-Z]+= )?make (\w+)`', text)) <= {*targets}


def navigation(items: Any) -> Iterator[str]:
    for item in items if isinstance(items, list) else items.values():
        if isinstance(item, str):
            yield item
        else:
            yield from navigation(item)


def test_the_site_has_every_page_and_every_room(tmp_path: Path) -> None:
    write_pages(tmp_path)
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.md')}
    settings = yaml.safe_load((ROOT / 'mkdocs.yml').read_text(encoding='utf-8'))
    listed = [*navigation(settings['nav'])]
    assert sorted(listed) == sorted(pages)
    assert [name for name in listed if name.startswith('api/')] == [f'api/{r}.md' for r in ROOMS]
    sources = {path.name for path in (ROOT / 'docs').glob('*.md')}
    assert pages >= sources | {'index.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'}
    assert sorted(rooms()) == sorted(ROOMS)
    files = {path for path in PACKAGE.rglob('*.py') if path.parent != PACKAGE} | {
        PACKAGE / 'api.py'
    }
    assert len([name for room in rooms() for name in modules(room)]) == len(files)


def test_links_of_the_site_lead_somewhere(tmp_path: Path) -> None:
    write_pages(tmp_path)
    texts = {path: path.read_text(encoding='utf-8') for path in tmp_path.rglob('*.md')}
    to_code = 0
    for page, text in texts.items():
        for target in links(text):
            name, _, anchor = target.partition('#')
            other = (page.parent / name).resolve() if name else page
            assert other.is_file(), f'{page.name}: {target}'
            if anchor.startswith('custom_modules.'):
                assert f'::: {anchor}\n' in texts[other], f'{page.name}: {target}'
                to_code += 1
    assert to_code > 40


def test_what_a_page_loads_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / 'a.html').write_text(
        '<a href="https://a.example">a link</a><img src="images/a.png">'
        '<script src="//b.example/b.js"></script><link href="https://c.example/c.css">'
    )
    (tmp_path / 'a.css').write_text(
        'a { background: url(here.svg) } @import "https://d.example/d.css";'
        "b { background: url('http://e.example/e.png') }"
    )
    assert loaded_from_elsewhere(tmp_path) == [
        'a.html: //b.example/b.js',
        'a.html: https://c.example/c.css',
        'a.css: https://d.example/d.css',
        'a.css: http://e.example/e.png',
    ]
