"""Bad and unusual input, and what becomes of it: the table of ``docs/robustness.md``."""

from .case import Case
from .data import DATA
from .files import FILES
from .images import IMAGES
from .operations import OPERATIONS
from .settings import SETTINGS
from .splits import SPLITS
from .trust import TRUST

CASES: tuple[Case, ...] = (*IMAGES, *DATA, *FILES, *SETTINGS, *OPERATIONS, *SPLITS, *TRUST)
