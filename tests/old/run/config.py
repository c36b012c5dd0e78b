# Config: configs/sample/unet_sample.py
batch_size = 4
border = 'foreground'
cache = False
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='ConsoleHook'),
]
data_root = 'data/sample'
default_hooks = dict(
    checkpoint=dict(monitor='$monitor', type='BestAndLastCheckpoint'),
    logger=dict(interval=10, type='ScalarsHook'),
    pictures=dict(interval='$picture_interval', type='ValidationPicturesHook'),
    unreadable=dict(limit='$max_unreadable', type='UnreadableImagesHook'),
)
drop_last = True
env_cfg = dict(mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
evaluator = [
    dict(batch_size='$metric_batch_size', type='DiceMetric'),
    dict(type='LossMetric'),
]
image_size = 32
init = None
learning_rate = 0.003
load_from = '$init'
losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(over='image', smooth=1, type='BinaryDiceLoss'),
]
max_epochs = 5
max_unreadable = 10
metric_batch_size = None
model = dict(
    backbone=dict(
        channels=[
            2,
            3,
            4,
            5,
        ],
        norm_cfg=dict(type='BN'),
        type='UNetEncoder',
        width='$width',
    ),
    data_preprocessor='$preprocessor',
    decode_head=dict(
        channels=[
            4,
            3,
            2,
        ],
        in_channels=[
            2,
            3,
            4,
            5,
        ],
        norm_cfg=dict(type='BN'),
        type='UNetHead',
        width='$width',
    ),
    init_cfg='$weight_init',
    losses='$losses',
    resolution='$resolution',
    threshold='$threshold',
    type='BinarySegmentor',
)
monitor = 'Dice'
num_workers = 0
optim_wrapper = dict(
    optimizer=dict(fused=True, lr='$learning_rate', type='Adam'),
    precision='$precision',
    type='AutocastOptimWrapper',
)
param_scheduler = [
    dict(
        by_epoch=True,
        convert_to_iter_based=True,
        eta_max='$learning_rate',
        pct_start=0.15,
        total_steps='$max_epochs',
        type='OneCycleLR',
    ),
]
picture_interval = 5
precision = 'fp32'
preprocessor = dict(
    mean=[
        123.675,
        116.28,
        103.53,
    ],
    std=[
        58.395,
        57.12,
        57.375,
    ],
    type='BinarySegPreprocessor',
)
randomness = dict(seed='$seed')
resolution = 'input'
seed = 0
sync_bn = 'torch'
test_cfg = dict(precision='$precision', type='EvaluationLoop')
test_dataloader = dict(
    batch_size='$batch_size',
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        border='$border',
        cache='$cache',
        data_root='$data_root',
        indices=6,
        pipeline='$test_pipeline',
        split='test',
        test_mode=True,
        type='OxfordPetDataset',
    ),
    num_workers='$num_workers',
    sampler=dict(shuffle=False, type='DefaultSampler'),
)
test_evaluator = '$evaluator'
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(resolution='$resolution', scale='$image_size', type='ResizeForScoring'),
    dict(type='PackBinarySegInputs'),
]
threshold = 0.5
train_cfg = dict(max_epochs='$max_epochs', type='ResumableTrainLoop')
train_dataloader = dict(
    batch_size='$batch_size',
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        border='$border',
        cache='$cache',
        data_root='$data_root',
        indices=8,
        pipeline='$train_pipeline',
        split='train',
        type='OxfordPetDataset',
        unreadable='$unreadable',
    ),
    drop_last='$drop_last',
    num_workers='$num_workers',
    persistent_workers=True,
    sampler=dict(shuffle=True, type='SeededSampler'),
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(scale='$image_size', type='Resize'),
    dict(prob=0.5, type='RandomFlip'),
    dict(
        degrees=30,
        prob=0.5,
        scale=(
            0.8,
            1.25,
        ),
        translate=0.1,
        type='RandomAffine',
    ),
    dict(prob=0.3, type='RandomBrightnessContrast'),
    dict(type='PackBinarySegInputs'),
]
unreadable = 'error'
val_cfg = dict(precision='$precision', type='ValidationLoop')
val_dataloader = dict(
    batch_size='$batch_size',
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        border='$border',
        cache='$cache',
        data_root='$data_root',
        indices=6,
        pipeline='$test_pipeline',
        split='val',
        test_mode=True,
        type='OxfordPetDataset',
    ),
    num_workers='$num_workers',
    persistent_workers=True,
    sampler=dict(shuffle=False, type='DefaultSampler'),
)
val_evaluator = '$evaluator'
vis_backends = [
    dict(type='LocalVisBackend'),
]
visualizer = dict(type='Visualizer', vis_backends='$vis_backends')
weight_init = None
width = 1.0
