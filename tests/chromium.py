"""The browser that tests drive, which is no package of Python; ``.ci/run`` installs it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

_NAMES = ('chromium', 'chromium-browser', 'google-chrome')

#: Its path; empty where there is none.
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), '')

#: Why a test is skipped then, and what to do.
NO_CHROMIUM = f'needs a browser: install one of {", ".join(_NAMES)}'

#: Without what a browser asks on its own account.
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']


@contextmanager
def launched() -> Iterator[Any]:
    """Yield the browser under playwright; without one of the two the test is skipped."""
    if not CHROMIUM:
        pytest.skip(NO_CHROMIUM)
    playwright = pytest.importorskip('playwright.sync_api')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


#: What reaches beyond the page where nothing around it says so, and what hides a part of itself.
_CUT = """() => {
  const style = (one) => getComputedStyle(one).overflowX;
  const parts = [...document.querySelectorAll('body *')];
  const scrolled = new Set(parts.filter(one => ['auto', 'scroll'].includes(style(one))));
  const beyond = parts.filter(one => {
    const {width, left, right} = one.getBoundingClientRect();
    if (!width || (left >= 0 && right <= innerWidth + 0.5)) return false;
    for (let above = one.parentElement; above; above = above.parentElement)
      if (scrolled.has(above)) return one.tagName === 'IMG';
    return !one.matches('.skip');
  });
  const hides = parts.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth &&
    style(one) !== 'visible' && !one.matches('.scroll'));
  return [...beyond, ...hides].map(one => one.outerHTML.slice(0, 80));
}"""


def cut_without_a_sign(browser: Any, path: Path) -> list[str]:
    """Return what of a page is cut at 390 and 1280 pixels, light and dark, without a sign of it.

    The sign is a shadow at the edge of a part that can be scrolled, which is gone at its end; no
    picture needs scrolling to.
    """
    found = []
    page = browser.new_page()
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    for width, scheme in product((390, 1280), ('light', 'dark')):
        page.set_viewport_size(dict(width=width, height=900))
        page.emulate_media(color_scheme=scheme)
        where = f'{width} {scheme}'
        found += [f'{where}: {text}' for text in page.evaluate(_CUT)]
        for part in page.locator('.scroll').all():
            if part.evaluate('one => (one.scrollLeft = 0) || one.scrollWidth > one.clientWidth'):
                name = f'{where}: {part.get_attribute("aria-label")}'
                found += [] if _has_shadow(part) else [f'{name} has no shadow']
                part.evaluate('one => one.scrollLeft = one.scrollWidth')
                found += [f'{name} has no end'] if _has_shadow(part) else []
    page.close()
    return found


def _has_shadow(part: Any) -> bool:
    """Say whether the lowest line of a part, where no text is, changes its colour to the right."""
    picture = cv2.imdecode(np.frombuffer(part.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    line = picture[-8].astype(int)
    return bool(np.abs(line[-4] - line[-60]).max() > 25)  # beside a border
