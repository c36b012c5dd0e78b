"""What the values of a config may be, each declared once; a message about one quotes it from here.

``RANGES`` has two sorts of keys: the place in a config (``optimizer`` for
``optim_wrapper.optimizer``, ``dataloader`` for all of them, ``''`` for the top level) and the class
that a ``type`` names, with all that inherit from it. A variable such as ``image_size`` has the
range of what it is put into. What is not here has the type that its class declares (see
annotations.py).
"""

import math
from collections.abc import Mapping

from ..base.device import IN_WORDS, NAMES
from ..base.kinds import (
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    DICT,
    FLAG,
    FOLDER,
    INSIDE_ONE,
    NONE,
    NOT_NEGATIVE,
    PART,
    POSITIVE,
    SEED,
    SHARE,
    TEXT,
    Kind,
    Number,
    Several,
    Worded,
    choice,
    either,
    integer,
)
from ..datasets.image_reading import MOST_CHANNELS
from ..datasets.oxford.dataset import BORDER_POLICIES, SPECIES
from ..models.precision import PRECISIONS

SIDE = integer(1, 16384)
# Smaller ones, and more overlap, would be millions of windows over a photograph.
WINDOW, OVERLAP = integer(16, 16384), Number(0, 0.75)
SIZE = Worded(
    either(SIDE, Several(SIDE, exactly=2), NONE),
    f'{SIDE}, the side in pixels, or a pair of them, (width, height)',
)
IMAGES = Worded(
    # MMEngine takes the last images where the number is negative.
    either(AT_LEAST_ONE, integer(most=-1), Several(AT_LEAST_ZERO), NONE),
    'a number of images (a negative one for the last ones), a list of their indices, or None',
)
PROBABILITY = Worded(either(SHARE, Several(SHARE), NONE), f'{SHARE}, or a list of such numbers')
BELOW_ONE = Number(0, below=1)
CHANNELS = integer(1, 65536)
IMAGE_CHANNELS = integer(1, MOST_CHANNELS)
WIDTH = Number(above=0, most=8)
PRECISION = choice(*PRECISIONS)
RULE = choice('greater', 'less', None)
RESOLUTION = choice('input', 'original')
MAYBE_DICT, MAYBE_PART, MAYBE_TEXT = either(DICT, NONE), either(PART, NONE), either(TEXT, NONE)
PARTS = Several(PART, least=0)
DEVICE = Worded(choice(*NAMES), IN_WORDS)
EVALUATOR = either(PART, Several(PART), NONE)

_TOP: dict[str, Kind] = dict(
    model=PART,
    train_dataloader=MAYBE_DICT,
    val_dataloader=MAYBE_DICT,
    test_dataloader=MAYBE_DICT,
    train_cfg=MAYBE_DICT,
    val_cfg=MAYBE_DICT,
    test_cfg=MAYBE_DICT,
    optim_wrapper=MAYBE_DICT,
    val_evaluator=EVALUATOR,
    test_evaluator=EVALUATOR,
    default_hooks=MAYBE_DICT,
    custom_hooks=either(PARTS, NONE),
    param_scheduler=either(DICT, PARTS, NONE),
    env_cfg=DICT,
    randomness=DICT,
    visualizer=MAYBE_PART,
    load_from=MAYBE_TEXT,
    resume=FLAG,
    shard=FLAG,
    sync_bn=choice('torch', 'mmcv', None),
    compile=either(FLAG, DICT),
    find_unused_parameters=FLAG,
    log_level=choice('DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'),
    experiment_name=MAYBE_TEXT,
)

_ENCODER: dict[str, Kind] = dict(
    in_channels=IMAGE_CHANNELS,
    channels=Several(CHANNELS),
    bottleneck_dropout=BELOW_ONE,
    width=WIDTH,
    frozen_stages=integer(-1, 100),
)
_HEAD: dict[str, Kind] = dict(
    in_channels=Several(CHANNELS),
    out_channels=integer(1, 2),
    width=WIDTH,
)
_UNET_HEAD = _HEAD | dict(
    channels=Several(CHANNELS), extra_upsamples=integer(0, 8), logit_upsamples=integer(0, 8)
)
_LOSS: dict[str, Kind] = dict(loss_weight=NOT_NEGATIVE)
_OVERLAP: dict[str, Kind] = dict(smooth=NOT_NEGATIVE, over=choice('batch', 'image'))
_COPIES = dict(n_aug=integer(0, 1000), degrees=Number(0, 360), translate=SHARE)
_MIXING: dict[str, Kind] = dict(alpha=POSITIVE, prob=SHARE)

RANGES: Mapping[str, Mapping[str, Kind]] = {
    '': _TOP,
    'randomness': dict(seed=either(SEED, NONE), deterministic=FLAG, diff_rank_seed=FLAG),
    'env_cfg': dict(device=DEVICE),
    'mp_cfg': dict(
        mp_start_method=choice('fork', 'spawn', 'forkserver'), opencv_num_threads=AT_LEAST_ZERO
    ),
    # Data.
    'dataloader': dict(
        batch_size=AT_LEAST_ONE,
        # How many of them this machine takes is asked where they are started (workers_of).
        num_workers=either(choice('auto'), integer(0, 4096)),
        dataset=PART,
        sampler=MAYBE_PART,
        drop_last=FLAG,
        persistent_workers=FLAG,
        pin_memory=FLAG,
        prefetch_factor=either(integer(1, 1024), NONE),
        timeout=NOT_NEGATIVE,
    ),
    'BaseDataset': dict(
        indices=IMAGES,
        pipeline=PARTS,
    ),
    'BinarySegDataset': dict(
        cache=either(FLAG, FOLDER),
        unreadable=choice('error', 'skip'),
        n_aug=integer(0, 1000),
        exclude=MAYBE_TEXT,
        subset=either(AT_LEAST_ONE, NONE),
        subset_seed=SEED,
        image_reading=MAYBE_DICT,  # its values are checked by ImageReading
    ),
    'OxfordPetDataset': dict(
        border=choice(*BORDER_POLICIES), species=either(choice(*SPECIES), NONE)
    ),
    'SeededSampler': dict(times=integer(1, 10**6)),
    'BinaryMaskDataset': dict(
        fractions=Several(SHARE, exactly=3),
        split_seed=SEED,
        ignore_value=either(integer(0, 255), NONE),
    ),
    'Resize': dict(scale=SIZE),
    'ResizeForScoring': dict(resolution=RESOLUTION),
    'RandomFlip': dict(prob=PROBABILITY),
    'RandomAffine': dict(
        prob=SHARE,
        degrees=Number(0, 360),
        scale=Several(Number(above=0, most=100), exactly=2),
        translate=SHARE,
    ),
    'RandomCrop': dict(size=WINDOW, foreground_share=SHARE),
    'SlidingWindow': dict(size=WINDOW, overlap=OVERLAP, batch_size=integer(1, 4096)),
    'RandomBrightnessContrast': dict(prob=SHARE, brightness=Number(0, 10), contrast=Number(0, 10)),
    'OfflineAugmentation': _COPIES,
    'EnlargedCopies': _COPIES,  # its former name
    'transforms': dict(p=SHARE),  # of albumentations
    'BinarySegPreprocessor': dict(
        mean=Several(Number()), std=Several(POSITIVE), in_channels=IMAGE_CHANNELS
    ),
    'MixUp': _MIXING,
    'CutMix': _MIXING,
    # The model.
    'BinarySegmentor': dict(
        threshold=INSIDE_ONE,
        losses=Several(PART),
        resolution=RESOLUTION,
        auxiliary_weight=NOT_NEGATIVE,
        auxiliary_losses=either(Several(PART), NONE),
        edge_task=MAYBE_PART,
        distillation=MAYBE_PART,
    ),
    'Distillation': dict(
        teacher=MAYBE_TEXT,
        teacher_scale=either(POSITIVE, NONE),
        temperature=POSITIVE,
        logit_weight=NOT_NEGATIVE,
        feature_weight=NOT_NEGATIVE,
    ),
    'EdgeTask': dict(
        in_channels=CHANNELS, losses=Several(PART), weight=NOT_NEGATIVE, width=integer(1, 100)
    ),
    'UNetEncoder': _ENCODER,
    'ResNetEncoder': _ENCODER
    | dict(blocks=Several(integer(1, 1000)), bottleneck_channels=CHANNELS),
    'ResUNetEncoder': {key: _ENCODER[key] for key in _ENCODER if key != 'bottleneck_dropout'},
    'TimmEncoder': dict(
        in_channels=IMAGE_CHANNELS,
        out_indices=either(Several(integer(0, 100)), NONE),
        frozen_stages=integer(-1, 100),
        image_size=SIZE,
        output_stride=either(choice(8, 16, 32), NONE),
        drop_path_rate=BELOW_ONE,
    ),
    'SmpNetwork': dict(in_channels=IMAGE_CHANNELS, out_channels=integer(1, 2), options=MAYBE_DICT),
    'UNetHead': _UNET_HEAD,
    'AttentionUNetHead': _UNET_HEAD,
    'ResUNetHead': _UNET_HEAD,
    'UNetPlusPlusHead': _UNET_HEAD,
    'ThinUNetHead': _HEAD | dict(channels=CHANNELS, bridge_channels=CHANNELS),
    'EnsembleEncoder': dict(members=integer(1, 100)),
    'EnsembleHead': dict(members=integer(1, 100)),
    'BinaryCrossEntropyLoss': _LOSS
    | dict(
        pos_weight=POSITIVE,
        label_smoothing=BELOW_ONE,
        outline_weight=NOT_NEGATIVE,
        outline_width=POSITIVE,
    ),
    'TwoChannelCrossEntropyLoss': _LOSS,
    'BinaryDiceLoss': _LOSS | _OVERLAP,
    'BinaryFocalLoss': _LOSS | dict(gamma=NOT_NEGATIVE, alpha=either(SHARE, NONE)),
    'BinaryTverskyLoss': _LOSS
    | _OVERLAP
    | dict(alpha=NOT_NEGATIVE, beta=NOT_NEGATIVE, gamma=POSITIVE),
    'BinaryIoULoss': _LOSS | _OVERLAP,
    'LovaszHingeLoss': _LOSS,
    'BoundaryLoss': _LOSS,
    'CenterlineDiceLoss': _LOSS | dict(iterations=integer(1, 1000), smooth=POSITIVE),
    # The training.
    'train_cfg': dict(
        max_epochs=integer(1, 10**9),
        max_iters=integer(1, 10**12),
        val_begin=AT_LEAST_ZERO,
        val_interval=AT_LEAST_ONE,
    ),
    'val_cfg': dict(precision=PRECISION),
    'test_cfg': dict(precision=PRECISION),
    'optim_wrapper': dict(
        precision=PRECISION, optimizer=PART, accumulative_counts=AT_LEAST_ONE, clip_grad=MAYBE_DICT
    ),
    'paramwise_cfg': dict(layer_decay=Number(above=0, most=1)),
    'clip_grad': dict(
        max_norm=either(POSITIVE, choice(math.inf)),  # infinity only measures the norm
        clip_value=POSITIVE,
    ),
    'optimizer': dict(
        lr=POSITIVE,
        weight_decay=NOT_NEGATIVE,
        momentum=BELOW_ONE,
        betas=Several(BELOW_ONE, least=2),
        eps=either(NOT_NEGATIVE, Several(NOT_NEGATIVE)),
        nesterov=FLAG,
        amsgrad=FLAG,
        fused=either(FLAG, NONE),
    ),
    'param_scheduler': dict(
        begin=AT_LEAST_ZERO,
        end=AT_LEAST_ONE,
        by_epoch=FLAG,
        convert_to_iter_based=FLAG,
        T_max=either(AT_LEAST_ONE, NONE),
        eta_min=either(NOT_NEGATIVE, NONE),
        eta_min_ratio=either(SHARE, NONE),
        eta_max=POSITIVE,
        total_steps=either(AT_LEAST_ONE, NONE),
        pct_start=INSIDE_ONE,
        div_factor=POSITIVE,
        final_div_factor=POSITIVE,
        anneal_strategy=choice('cos', 'linear'),
        gamma=POSITIVE,
        power=POSITIVE,
        step_size=AT_LEAST_ONE,
        milestones=Several(AT_LEAST_ONE),
        periods=Several(AT_LEAST_ONE),
        restart_weights=Several(NOT_NEGATIVE),
        factor=SHARE,
        start_factor=SHARE,
        end_factor=SHARE,
        patience=AT_LEAST_ZERO,
        cooldown=AT_LEAST_ZERO,
        threshold=NOT_NEGATIVE,
        min_value=either(NOT_NEGATIVE, Several(NOT_NEGATIVE)),
    ),
    'ReduceOnPlateauLR': dict(factor=INSIDE_ONE),
    # Hooks and metrics.
    'BestAndLastCheckpoint': dict(
        rule=RULE,
        interval=AT_LEAST_ONE,
        keep_epochs=AT_LEAST_ZERO,
        max_keep_ckpts=either(AT_LEAST_ONE, choice(-1)),
    ),
    'EarlyStopping': dict(rule=RULE, patience=AT_LEAST_ONE, min_delta=NOT_NEGATIVE),
    'FreezeHook': dict(until=AT_LEAST_ONE, parts=Several(TEXT)),
    'ScalarsHook': dict(interval=AT_LEAST_ONE),
    'ValidationPicturesHook': dict(interval=AT_LEAST_ZERO, number=integer(1, 100)),
    'UnreadableImagesHook': dict(limit=AT_LEAST_ZERO),
    'BoundaryMetric': dict(width=INSIDE_ONE, tolerance=INSIDE_ONE),
}
