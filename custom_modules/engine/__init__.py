"""Runner, loops, hooks and the mixed-precision wrapper, registered in MMEngine's registries."""

from .autocast_optim_wrapper import AutocastOptimWrapper
from .best_and_last_hook import BestAndLastCheckpoint
from .console_hook import ConsoleHook
from .early_stopping import EarlyStopping
from .loops import EvaluationLoop, ResumableTrainLoop, ValidationLoop
from .runner import PetSegRunner
from .save_masks_hook import SaveMasksHook
from .scalars_hook import ScalarsHook
from .unreadable_images_hook import UnreadableImagesHook
from .validation_pictures_hook import ValidationPicturesHook

__all__ = [
    'AutocastOptimWrapper',
    'BestAndLastCheckpoint',
    'ConsoleHook',
    'EarlyStopping',
    'EvaluationLoop',
    'PetSegRunner',
    'ResumableTrainLoop',
    'SaveMasksHook',
    'ScalarsHook',
    'UnreadableImagesHook',
    'ValidationLoop',
    'ValidationPicturesHook',
]
