"""What a config that is data may name: each section of it, and the types that may stand there.

Everything here takes numbers and words and neither reads a file nor opens a connection. Left out
for that reason, among others: losses of mmseg (``class_weight`` may be a pickle), TIMMBackbone
(downloads), trackers, SaveMasksHook and CheckpointHook (write where they are told),
LoadImageFromFile (fetches addresses), ``compile`` with options (they name the compiler to run).
"""


def _names(words: str, prefix: str = '') -> frozenset[str]:
    return frozenset(prefix + word for word in words.split())


#: PetSeg's own, the layers that its networks take as ``norm_cfg``, and mmseg's encoders, necks and
#: heads that a BinarySegmentor takes. Their losses are not among them. TimmEncoder and SmpNetwork
#: build what their packages know by a plain name, from plain arguments, and fetch nothing.
MODELS = (
    _names(
        'BinarySegmentor BinarySegPreprocessor CutMix Distillation EdgeTask MixUp '
        'ResNetEncoder ResUNetEncoder TimmEncoder UNetEncoder EnsembleEncoder SmpNetwork '
        'AttentionUNetHead ResUNetHead ThinUNetHead UNetHead UNetPlusPlusHead EnsembleHead '
        'BinaryCrossEntropyLoss BinaryDiceLoss BinaryFocalLoss BinaryIoULoss BinaryTverskyLoss '
        'BoundaryLoss CenterlineDiceLoss LovaszHingeLoss TwoChannelCrossEntropyLoss '
        'BN BN2d SyncBN GN IN IN2d LN ReLU ReLU6 LeakyReLU PReLU GELU SiLU HSwish HSigmoid Swish '
        'Conv Conv2d '
        'Caffe2Xavier Constant Kaiming Normal Pretrained TruncNormal Uniform Xavier'
    )
    | _names('HRNet MSCAN MixVisionTransformer MobileNetV2 ResNeSt ResNeXt ResNet', 'mmseg.')
    | _names('BiSeNetV2 ResNetV1c ResNetV1d STDCContextPathNet STDCNet', 'mmseg.')
    | _names('SwinTransformer UNet FPN', 'mmseg.')
    | _names('ASPPHead DepthwiseSeparableASPPHead FCNHead FPNHead LRASPPHead PSPHead', 'mmseg.')
    | _names('SegformerHead UPerHead', 'mmseg.')
    | _names('BasicConvBlock DeconvModule InterpConv', 'mmseg.')
)

TRANSFORMS = (
    _names(
        'Albumentations CountBorder EnlargedCopies LoadImage LoadMask OfflineAugmentation '
        'PackBinarySegInputs RandomAffine RandomBrightnessContrast RandomCrop ResizeForScoring '
        'SlidingWindow '
        'CenterCrop Normalize Pad RandomApply RandomChoice RandomChoiceResize RandomFlip '
        'RandomGrayscale RandomResize Resize'
    )
    | _names(
        'AdjustGamma CLAHE PhotoMetricDistortion RandomCrop RandomCutOut RandomRotate', 'mmseg.'
    )
    | _names(  # those that take no function, no further image and no file
        'AdditiveNoise AdvancedBlur Affine AutoContrast Blur CLAHE CenterCrop ChannelDropout '
        'ChannelShuffle ChromaticAberration CoarseDropout ColorJitter Crop CropAndPad '
        'CropNonEmptyMaskIfExists D4 Defocus Downscale ElasticTransform Emboss Equalize Erasing '
        'FancyPCA GaussNoise GaussianBlur GlassBlur GridDistortion GridDropout '
        'GridElasticDeform HEStain HorizontalFlip HueSaturationValue ISONoise Illumination '
        'ImageCompression InvertImg LongestMaxSize MedianBlur Morphological MotionBlur '
        'MultiplicativeNoise NoOp OneOf OneOrOther OpticalDistortion Pad PadIfNeeded '
        'Perspective PiecewiseAffine PixelDropout PlanckianJitter PlasmaBrightnessContrast '
        'PlasmaShadow Posterize RGBShift RandomBrightnessContrast RandomCrop '
        'RandomCropFromBorders RandomFog RandomGamma RandomGravel RandomGridShuffle RandomOrder '
        'RandomRain RandomResizedCrop RandomRotate90 RandomScale RandomShadow RandomSizedCrop '
        'RandomSnow RandomSunFlare RandomToneCurve Resize RingingOvershoot Rotate SafeRotate '
        'SaltAndPepper Sequential Sharpen ShiftScaleRotate ShotNoise SmallestMaxSize Solarize '
        'SomeOf Spatter SquareSymmetry Superpixels ThinPlateSpline ToGray ToSepia Transpose '
        'UnsharpMask VerticalFlip XYMasking ZoomBlur',
        'albumentations.',
    )
)

_DATA = TRANSFORMS | _names(
    'BinaryMaskDataset ListedPairsDataset OxfordPetDataset ConcatDataset RepeatDataset '
    'DefaultSampler InfiniteSampler SeededSampler default_collate pseudo_collate patient_worker'
)
_METRICS = _names('BorderMetric BoundaryMetric DiceMetric LossMetric ProbabilityMetric')
_LOOPS = _names('EvaluationLoop ResumableIterLoop ResumableTrainLoop ValidationLoop')
_HOOKS = _names(
    'BestAndLastCheckpoint ConsoleHook EarlyStopping FreezeHook ScalarsHook '
    'UnreadableImagesHook ValidationPicturesHook '
    'DistSamplerSeedHook EMAHook EmptyCacheHook IterTimerHook ParamSchedulerHook RuntimeInfoHook '
    'SyncBuffersHook'
)
_OPTIMISERS = _names(
    'AmpOptimWrapper AutocastOptimWrapper OptimWrapper DefaultOptimWrapperConstructor '
    'ASGD Adadelta Adagrad Adam AdamW Adamax Muon NAdam RAdam RMSprop Rprop SGD'
)
_SCHEDULES = _names(
    'ConstantLR CosineAnnealingLR CosineRestartLR ExponentialLR LinearLR MultiStepLR OneCycleLR '
    'PolyLR ReduceOnPlateauLR StepLR '
    'CosineAnnealingMomentum LinearMomentum MultiStepMomentum StepMomentum'
)

#: Top-level key of a config with its variables put in -> the types that may be anywhere in it.
#: Another key, or another type, is refused.
SECTIONS: dict[str, frozenset[str]] = dict(
    model=MODELS,
    train_dataloader=_DATA,
    val_dataloader=_DATA,
    test_dataloader=_DATA,
    val_evaluator=_METRICS,
    test_evaluator=_METRICS,
    train_cfg=_LOOPS,
    val_cfg=_LOOPS,
    test_cfg=_LOOPS,
    optim_wrapper=_OPTIMISERS,
    param_scheduler=_SCHEDULES,
    default_hooks=_HOOKS,
    custom_hooks=_HOOKS,
    visualizer=_names('Visualizer LocalVisBackend'),
    log_processor=_names('LogProcessor'),
    **dict.fromkeys(
        [
            'auto_scale_lr',
            'compile',
            'env_cfg',
            'find_unused_parameters',
            'load_from',
            'log_level',
            'randomness',
            'shard',
            'sync_bn',
        ],
        frozenset[str](),
    ),
)
