"""Put the pages of the site together: python -m docs.generate.site [--check]

README, the pages of docs/, CHANGELOG, CONTRIBUTING and SECURITY, the cards of the weights in
pretrained/, and a page of reference for each room of the package, which mkdocstrings fills from the
docstrings. Links to code lead to the reference. ``make docs`` builds the site of them; ``--check``
then looks for what a page would load from another server.
"""

import argparse
import re
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / 'custom_modules'

#: Where the pages go and where the site is built (``docs_dir`` and ``site_dir`` of mkdocs.yml).
PAGES, SITE = ROOT / 'build' / 'docs', ROOT / 'build' / 'site'

#: Pages that lie beside the README.
_BESIDE = ('CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md')

#: ``](target)`` of Markdown and ``src="target"`` of HTML, where the target is no address.
_TARGET = re.compile(r'(\]\(|src=")(?!\w+:|#)([^)"#]+)')


def write_pages(folder: Path) -> None:
    """Write all pages and pictures into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / 'docs' / 'images', folder / 'images')
    shutil.copy(Path(__file__).with_suffix('.css'), folder)
    for page in [ROOT / 'README.md', *(ROOT / name for name in _BESIDE)]:
        text = _with_targets(page.read_text(encoding='utf-8'), _beside_the_readme)
        (folder / _site_name(page.name)).write_text(text, encoding='utf-8')
    for page in (ROOT / 'docs').glob('*.md'):
        text = _with_targets(page.read_text(encoding='utf-8'), _in_docs)
        (folder / page.name).write_text(text, encoding='utf-8')
    for card in (ROOT / 'pretrained').glob('*/README.md'):
        copy = folder / card.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        shutil.copy(card, copy)
    (folder / 'api').mkdir()
    for room in rooms():
        text = '\n'.join(_reference(room))
        (folder / 'api' / f'{room}.md').write_text(text, encoding='utf-8')


def rooms() -> list[str]:
    """Return the rooms of the package."""
    names = (path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob('*.py'))
    return sorted({name.removesuffix('.py') for name in names} - {'__init__'})


def modules(room: str) -> list[str]:
    """Return the full names of the modules of a room, the room itself first."""
    files = sorted((PACKAGE / room).rglob('*.py')) or [PACKAGE / f'{room}.py']
    names = ['.'.join(path.relative_to(ROOT).with_suffix('').parts) for path in files]
    return sorted(name.removesuffix('.__init__') for name in names)


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Return what the pages and styles of a built site would load from another server."""
    found = []
    for path in sorted(site.rglob('*.html')):
        parser = _Loads()
        parser.feed(path.read_text(encoding='utf-8'))
        found += [f'{path.relative_to(site)}: {address}' for address in parser.addresses]
    for path in sorted(site.rglob('*.css')):
        text = path.read_text(encoding='utf-8')
        addresses = re.findall(r'(?:url\(|@import)\s*["\']?((?:https?:)?//[^"\')\s]+)', text)
        found += [f'{path.relative_to(site)}: {address}' for address in addresses]
    return found


class _Loads(HTMLParser):
    """Collects the addresses of other servers that a page loads; links to follow are none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loads = name in ('src', 'srcset', 'poster') or (tag, name) == ('link', 'href')
            if loads and re.match(r'(https?:)?//', value or ''):
                self.addresses.append(str(value))


def _reference(room: str) -> Iterator[str]:
    """Yield the lines of a room's page; what a package takes from its modules stands there."""
    for name in modules(room):
        is_package = (ROOT / name.replace('.', '/')).is_dir()
        level = 1 if name == f'{PACKAGE.name}.{room}' else 2
        yield f'::: {name}'
        yield '    options:'
        yield f'      heading_level: {level}'
        if is_package:
            yield '      members: []'
        yield ''


def _with_targets(text: str, moved: Callable[[str], str]) -> str:
    return _TARGET.sub(lambda found: found[1] + moved(found[2]), text)


def _beside_the_readme(target: str) -> str:
    return target.removeprefix('docs/') if target.startswith('docs/') else _site_name(target)


def _in_docs(target: str) -> str:
    if not target.startswith('../'):
        return target
    target = target.removeprefix('../')
    if not target.startswith(f'{PACKAGE.name}/'):
        return _site_name(target)
    parts = Path(target.removesuffix('/__init__.py')).with_suffix('').parts
    return f'api/{parts[1]}.md#{".".join(parts)}'


def _site_name(name: str) -> str:
    return 'index.md' if name == 'README.md' else name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='only look at the site that was built')
    if not parser.parse_args().check:
        write_pages(PAGES)
        return
    found = loaded_from_elsewhere(SITE)
    if found:
        raise SystemExit('\n'.join(['loaded from another server:', *found]))
    print(f'{SITE.relative_to(ROOT)}/index.html')


if __name__ == '__main__':
    main()
