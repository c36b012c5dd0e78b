"""What all recipes share: the random seed, hooks, and where the metrics go."""

seed = 0
init = None  # weights to start from: a checkpoint, the folder of a run or of a published model
max_unreadable = 10  # images that a training with unreadable = 'skip' may leave out
precision = 'fp32'  # 'auto' (or --amp): half precision where the hardware is fast at it
device = 'auto'  # 'cpu', 'cuda', 'cuda:1', 'mps', 'xpu'; 'auto': CUDA where it is, else the CPU
picture_interval = 5  # epochs between two pictures of the validation; 0 for none
monitor = 'Dice'  # the metric of the validation that decides which epoch is best
sync_bn = 'torch'  # several processes: BatchNorm over the images of all of them; None: of each
vis_backends = [dict(type='LocalVisBackend')]

randomness = dict(seed='$seed')
load_from = '$init'
env_cfg = dict(device='$device', mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
default_hooks = dict(
    logger=dict(type='ScalarsHook', interval=10),
    checkpoint=dict(type='BestAndLastCheckpoint', monitor='$monitor'),
    pictures=dict(type='ValidationPicturesHook', interval='$picture_interval'),
    unreadable=dict(type='UnreadableImagesHook', limit='$max_unreadable'),
)
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='ConsoleHook')]
visualizer = dict(type='Visualizer', vis_backends='$vis_backends')
val_cfg = dict(type='ValidationLoop', precision='$precision')
test_cfg = dict(type='EvaluationLoop', precision='$precision')
