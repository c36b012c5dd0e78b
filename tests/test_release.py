"""One version everywhere, and a changelog whose entries stand in the sections of their release."""

import re

import yaml

import custom_modules
from tests.conftest import ROOT

CHANGELOG = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
RELEASES = re.findall(r'^## (.+)$', CHANGELOG, re.MULTILINE)

#: Of Keep a Changelog, in its order.
SECTIONS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']


def test_one_version_everywhere() -> None:
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    version = custom_modules.__version__
    assert f'\nversion = "{version}"\n' in project
    assert citation['version'] == version
    assert RELEASES[1] == f'{version} - {citation["date-released"]}'


def test_releases_are_in_order() -> None:
    first, *released = RELEASES
    assert first == 'Unreleased'
    found = [re.fullmatch(r'(\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)', one) for one in released]
    assert all(found)
    numbers = [(tuple(map(int, one.groups()[:3])), one[4]) for one in found if one]
    assert numbers == sorted(numbers, reverse=True)


def test_entries_stand_in_sections_and_once() -> None:
    """A merge of two branches that both add entries can repeat some, or leave them anywhere."""
    _, *releases = re.split(r'^## ', CHANGELOG, flags=re.MULTILINE)
    for release in releases:
        before, *sections = re.split(r'^### ', release, flags=re.MULTILINE)
        assert '\n- ' not in before, before
        names = [section.partition('\n')[0] for section in sections]
        assert names == [name for name in SECTIONS if name in names]
    entries = re.findall(r'^- (.+)$', CHANGELOG, re.MULTILINE)
    assert sorted(entries) == sorted(set(entries))
