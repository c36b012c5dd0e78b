"""The versions that the tests ran with, as constraints.txt: python -m tests.constraints"""

import re
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / 'constraints.txt'

#: The requirements that ``make test`` installs.
TESTED = ROOT / 'requirements-dev.txt'

HEAD = """\
# The set of packages that the tests ran with, made by `make constraints`:
#   pip install -r requirements.txt -c constraints.txt
# Some have no release for Python 3.10, where pip chooses. A build of torch for a GPU fits too.
"""


def requirements(path: Path) -> Iterator[Requirement]:
    """Yield what a file of requirements asks for, and the files that it includes."""
    for line in path.read_text(encoding='utf-8').splitlines():
        text = re.sub(r'(^|\s)#.*', '', line).strip()
        if text.startswith('-r '):
            yield from requirements(path.with_name(text[3:].strip()))
        elif text:
            yield Requirement(text)


def installed(wanted: Iterator[Requirement]) -> dict[str, str]:
    """Return name and version of the packages asked for and of all that they need in turn."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(wanted)
    while waiting:
        one = waiting.pop()
        key = canonicalize_name(one.name), frozenset(one.extras)
        if key in seen:
            continue
        seen.add(key)
        package = distribution(one.name)
        found[key[0]] = Version(package.version).public  # without the name of a build, as +cpu
        for text in package.requires or []:
            needed = Requirement(text)
            extras = ['', *one.extras]
            if not needed.marker or any(needed.marker.evaluate({'extra': e}) for e in extras):
                waiting.append(needed)
    return found


def page() -> str:
    """Return what ``constraints.txt`` should be, from what is installed."""
    versions = sorted(installed(requirements(TESTED)).items())
    lines = [f'{name}=={version}; python_version >= "3.11"' for name, version in versions]
    return HEAD + '\n'.join(lines) + '\n'


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
