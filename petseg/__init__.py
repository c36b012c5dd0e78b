"""PetSeg, installed: ``petseg.load`` gives masks from Python, ``petseg train CONFIG`` trains.

Examples:
    >>> import petseg
    >>> model = petseg.load('published/pets')
    >>> prediction = model('cat.jpg')

``petseg.train``, ``petseg.test`` and ``petseg.report`` are the tools of these names from Python,
such as in a notebook (``custom_modules/commands/from_python.py``).

The package's modules keep the name that they have in the checkout, ``custom_modules``; importing
``petseg`` makes it importable. ``petseg.Prediction`` and ``petseg.Predictor`` are the classes.
"""

import sys
from pathlib import Path

if sys.version_info < (3, 10):  # noqa: UP036  (before imports that an older one cannot read)
    raise ImportError('PetSeg needs Python 3.10 or newer, this is ' + sys.version.split()[0])

_HERE = Path(__file__).resolve().parent
#: Where ``custom_modules``, ``configs`` and ``tools`` lie: in this package, or in the checkout.
HOME = next(folder for folder in (_HERE, _HERE.parent) if (folder / 'custom_modules').is_dir())

if str(HOME) not in sys.path:
    sys.path.append(str(HOME))  # at the end, where it hides nobody's modules

import custom_modules  # noqa: E402

if Path(custom_modules.__file__).resolve().parent.parent != HOME:
    raise ImportError(
        f'{custom_modules.__file__} has the name of a package of PetSeg; rename it, or import '
        'petseg before it'
    )

from custom_modules import __version__  # noqa: E402
from custom_modules.api import Prediction, Predictor, load  # noqa: E402
from custom_modules.commands.from_python import draw_sample, report, test, train  # noqa: E402

__all__ = [
    'Prediction',
    'Predictor',
    '__version__',
    'draw_sample',
    'load',
    'report',
    'test',
    'train',
]
