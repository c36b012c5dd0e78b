"""The browser that tests drive, which is no package of Python; ``.ci/run`` installs it."""

import shutil

_NAMES = ('chromium', 'chromium-browser', 'google-chrome')

#: Its path; empty where there is none.
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), '')

#: Why a test is skipped then, and what to do.
NO_CHROMIUM = f'needs a browser: install one of {", ".join(_NAMES)}'
