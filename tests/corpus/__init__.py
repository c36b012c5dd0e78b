"""Bad and unusual input, and what becomes of it: the table of ``docs/robustness.md``."""

from .annotations import ANNOTATIONS
from .archives import ARCHIVE_CASES
from .audit import AUDIT_CASES
from .case import Case
from .config_types import CONFIG_TYPES
from .data import DATA
from .downloads import DOWNLOAD_CASES
from .files import FILES
from .folds import FOLDS
from .graphs import GRAPH_CASES
from .images import IMAGES
from .inputs import INPUT_CASES
from .kinds_of_pictures import KINDS_OF_PICTURES
from .operations import OPERATIONS
from .own_metrics import OWN_METRIC_CASES
from .page import PAGE
from .patches import PATCHES
from .prepared import PREPARED
from .published_configs import PUBLISHED_CONFIGS
from .readings import READINGS
from .results import RESULTS
from .run_configs import RUN_CONFIGS
from .service import SERVICE
from .settings import SETTINGS
from .splits import SPLITS
from .teachers import TEACHER_CASES
from .values import VALUES
from .weights import WEIGHT_CASES

CASES: tuple[Case, ...] = (
    *IMAGES,
    *KINDS_OF_PICTURES,
    *READINGS,
    *DATA,
    *ANNOTATIONS,
    *SPLITS,
    *FOLDS,
    *ARCHIVE_CASES,
    *DOWNLOAD_CASES,
    *FILES,
    *INPUT_CASES,
    *RESULTS,
    *OWN_METRIC_CASES,
    *GRAPH_CASES,
    *WEIGHT_CASES,
    *TEACHER_CASES,
    *SETTINGS,
    *VALUES,
    *PATCHES,
    *OPERATIONS,
    *PUBLISHED_CONFIGS,
    *CONFIG_TYPES,
    *RUN_CONFIGS,
    *SERVICE,
    *PAGE,
    *AUDIT_CASES,
    *PREPARED,
)
