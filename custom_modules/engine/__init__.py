"""Runner, loops, hooks and the mixed-precision wrapper, registered in MMEngine's registries."""

from .autocast_optim_wrapper import AutocastOptimWrapper
from .hooks.best_and_last_hook import BestAndLastCheckpoint
from .hooks.console_hook import ConsoleHook
from .hooks.early_stopping import EarlyStopping
from .hooks.ema_hook import EMAHook
from .hooks.freeze_hook import FreezeHook
from .hooks.save_masks_hook import SaveMasksHook
from .hooks.scalars_hook import ScalarsHook
from .hooks.unreadable_images_hook import UnreadableImagesHook
from .hooks.validation_pictures_hook import ValidationPicturesHook
from .loops import EvaluationLoop, ResumableIterLoop, ResumableTrainLoop, ValidationLoop
from .runner import PetSegRunner
from .schedules import LayerDecayConstructor

__all__ = [
    'AutocastOptimWrapper',
    'BestAndLastCheckpoint',
    'ConsoleHook',
    'EMAHook',
    'EarlyStopping',
    'EvaluationLoop',
    'FreezeHook',
    'LayerDecayConstructor',
    'PetSegRunner',
    'ResumableIterLoop',
    'ResumableTrainLoop',
    'SaveMasksHook',
    'ScalarsHook',
    'UnreadableImagesHook',
    'ValidationLoop',
    'ValidationPicturesHook',
]
