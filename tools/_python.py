"""Refuse a Python that is too old, in words that even a very old one can read.

The Makefile asks before anything is installed, each tool before its imports. Nothing newer than
Python 2 may be used here.
"""

import sys

#: What `requires-python` of pyproject.toml says: from the first to below the second.
FIRST, BELOW = (3, 10), (3, 15)

if not FIRST <= sys.version_info[:2] < BELOW:
    sys.stderr.write(
        'error: PetSeg needs Python {}.{} to {}.{}, this is {}.{} ({}). Use another: '
        'PYTHON=python3.12 make demo, or python3.12 -m venv .venv\n'.format(
            *(FIRST + (BELOW[0], BELOW[1] - 1) + sys.version_info[:2] + (sys.executable,))  # noqa: RUF005
        )
    )
    sys.exit(2)
