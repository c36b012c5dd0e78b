"""Values of a config that no run could mean, each said before anything is built."""

from collections.abc import Callable
from pathlib import Path

from custom_modules.config import load_config
from custom_modules.engine.training_check import check_training

from .case import Case
from .settings import BASE

#: Option -> what the message says is allowed; it begins with the name and the value.
REFUSED = {
    'batch_size=0': 'use an integer from 1',
    'batch_size=-1': 'use an integer from 1',
    'batch_size=2.5': 'use an integer from 1',
    'batch_size=True': 'use an integer from 1',
    'max_epochs=0': 'use an integer from 1',
    'max_epochs=nan': 'use an integer from 1',
    'max_epochs=1e3': 'use an integer from 1',
    'image_size=0': 'use an integer from 1 to 16,384',
    'image_size=-1': 'use an integer from 1 to 16,384',
    'image_size=1e9': 'use an integer from 1 to 16,384',
    'image_size=(256,)': 'use an integer from 1 to 16,384, the side in pixels, or a pair of them',
    'image_size=(64,64,3)': 'use an integer from 1 to 16,384, the side',
    'image_size=(64,-64)': 'use an integer from 1 to 16,384, the side',
    'learning_rate=nan': 'use a finite number above 0',
    'learning_rate=inf': 'use a finite number above 0',
    'learning_rate=0': 'use a finite number above 0',
    'learning_rate=-0.1': 'use a finite number above 0',
    'learning_rate=fast': 'use a finite number above 0',
    'width=nan': 'use a number above 0 and up to 8',
    'width=inf': 'use a number above 0 and up to 8',
    'width=0': 'use a number above 0 and up to 8',
    'width=1000': 'use a number above 0 and up to 8',
    'threshold=2': 'use a number above 0 and below 1',
    'threshold=-1': 'use a number above 0 and below 1',
    'threshold=nan': 'use a number above 0 and below 1',
    'threshold=1': 'use a number above 0 and below 1',
    'seed=-1': 'use an integer from 0 to 4,294,967,295',
    'seed=1.5': 'use an integer from 0 to 4,294,967,295',
    'seed=4294967296': 'use an integer from 0 to 4,294,967,295',
    'losses=[]': 'use a list of one or more',
    'losses=3': 'use a list of one or more',
    'losses=[nan]': 'use a list of one or more',
    'losses=None': 'use a list of one or more',
    'cache=maybe': 'use True or False or the path of a folder',
    'cache=1': 'use True or False or the path of a folder',
    'num_workers=-1': "use 'auto' or an integer from 0",
    'num_workers=1000000': "use 'auto' or an integer from 0",
    'precision=half': "use 'auto', 'fp32', 'bf16' or 'fp16'",
    'border=half': "use 'foreground', 'background', 'ignore' or 'only'",
    'resolution=both': "use 'input' or 'original'",
    'unreadable=ignore': "use 'error' or 'skip'",
    'picture_interval=-1': 'use an integer from 0',
    'max_unreadable=-1': 'use an integer from 0',
    'monitor=': 'use text that is not empty',
    'sync_bn=True': "use 'torch', 'mmcv' or None",
    'data_root=': 'use text that is not empty',
    'preprocessor.std=[0,0,0]': 'use a list of one or more, each a finite number above 0',
    'preprocessor.mean=[]': 'use a list of one or more, each a finite number',
    'train_pipeline.3.prob=2': 'use a number from 0 to 1',
    'train_pipeline.4.scale=(0,1)': 'use a list of 2, each a number above 0 and up to 100',
    'train_pipeline.4.degrees=nan': 'use a number from 0 to 360',
    'train_dataloader.dataset.indices=0': 'use a number of images',
    'train_dataloader.dataset.indices=[]': 'use a number of images',
    'train_dataloader.dataset.indices=[0,-1]': 'use a number of images',
    'train_dataloader.dataset=None': "use dict(type='...', ...)",
    'train_dataloader.drop_last=maybe': 'use True or False',
    'train_dataloader.prefetch_factor=0': 'use an integer from 1 to 1,024',
    'val_evaluator=[]': "use dict(type='...', ...), a list of one or more",
    'custom_hooks=3': 'use a list',
    'env_cfg=None': 'use a dict',
    'optim_wrapper.paramwise_cfg.layer_decay=0': 'use a number above 0 and up to 1',
    'optim_wrapper.paramwise_cfg.layer_decay=1.5': 'use a number above 0 and up to 1',
    'device=gpu': "use 'auto', 'cpu', 'cuda'",
    'randomness=None': 'use a dict',
    'optim_wrapper.optimizer=None': "use dict(type='...', ...)",
    'optim_wrapper.optimizer.lr=nan': 'use a finite number above 0',
    'optim_wrapper.optimizer.weight_decay=-1': 'use a finite number from 0',
    'optim_wrapper.optimizer.betas=(0.9,1)': 'use a list of one or more, each a number from 0',
    'optim_wrapper.accumulative_counts=0': 'use an integer from 1',
    'optim_wrapper.clip_grad.max_norm=0': 'use a finite number above 0 or inf',
    'param_scheduler.0.total_steps=0': 'use an integer from 1',
    'param_scheduler.0.pct_start=1': 'use a number above 0 and below 1',
    'param_scheduler.0.eta_max=nan': 'use a finite number above 0',
    'train_cfg.max_epochs=0': 'use an integer from 1',
    'train_cfg.val_interval=0': 'use an integer from 1',
    'model.backbone=None': "use dict(type='...', ...)",
    'model.backbone.channels=[16,0]': 'use a list of one or more, each an integer from 1 to 65,536',
    'model.backbone.channels=64': 'use a list of one or more',
    'model.backbone.bottleneck_dropout=1': 'use a number from 0 to below 1',
    'model.decode_head.out_channels=3': 'use an integer from 1 to 2',
    'model.decode_head.extra_upsamples=-1': 'use an integer from 0 to 8',
    'default_hooks.logger.interval=0': 'use an integer from 1',
    'default_hooks.checkpoint.keep_epochs=-1': 'use an integer from 0',
    'default_hooks.checkpoint.rule=best': "use 'greater', 'less' or None",
    'log_level=LOUD': "use 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'",
    'compile=maybe': 'use True or False or a dict',
}

#: Options that say more or other things.
SAID = {
    'losses.0.loss_weight=nan': 'losses.0.loss_weight = nan is not allowed',
    'train_dataloader=None': 'train_dataloader = None is not allowed here',
    'train_cfg=None': 'train_cfg = None is not allowed here',
    'optim_wrapper=None': 'optim_wrapper = None is not allowed here',
    'val_cfg=None': 'val_cfg = None is not allowed here',
    'val_dataloader=None': 'val_dataloader = None is not allowed here',
    'val_evaluator=None': 'val_evaluator = None is not allowed here',
    'test_cfg=None': 'test_cfg = None is not allowed here',
    'model=None': 'it has no model',
    'default_hooks.picture=None': 'no hook has this name; did you mean pictures?',
    'default_hooks=None': 'no hook would keep best.pth and last.pth',
    'default_hooks.checkpoint=None': 'no hook would keep best.pth and last.pth',
    'default_hooks.runtime_info=None': 'None is not allowed here: losses and learning rate would',
    'default_hooks.sampler_seed=None': 'every epoch would have the images in one order',
    'default_hooks.param_scheduler=None': 'the schedules would stand still',
    'num_workers=4096': 'this process has',
    'image_size=(1,2': 'Imbalanced brackets',
    'train_pipeline.99.prob=1': 'not possible here (Index 99 exceeds',
    'train_pipeline.x.prob=1': 'not possible here',
    'seed.x=1': 'not possible here',
    'model.type.x=1': 'not possible here',
    'seed.0=1': 'not possible here',
    'losses=[dict(': '--cfg-options: line 1 cannot be read',
    'losses=[dict(type=open)]': '--cfg-options: line 1 cannot be read',
    'losses=[{"type": print("x")}]': '--cfg-options: line 1 cannot be read',
    'losses=[dict(type="Dice")]': 'losses.0.type=',
}

#: Options that are unusual and right.
USUAL = (
    'num_workers=auto',
    'seed=None',
    'seed=4294967295',
    'image_size=16',
    'image_size=[2048,512]',
    'batch_size=4096',
    'max_epochs=1000000',
    'learning_rate=30',
    'cache=./images_once',
    'train_dataloader.dataset.indices=-4',
    'optim_wrapper.clip_grad.max_norm=inf',
    'optim_wrapper.optimizer.weight_decay=0',
    'optim_wrapper.paramwise_cfg.layer_decay=1',
    'width=0.01',
    'default_hooks.pictures=None',
    'default_hooks.unreadable=None',
    'default_hooks.timer=None',
    "losses=[dict(type='BinaryDiceLoss', smooth=1), {'type': 'BinaryCrossEntropyLoss'}]",
    "custom_hooks=[dict(type='EarlyStopping', patience=3)]",
    'optim_wrapper.clip_grad=dict(max_norm=1.0)',
    'experiment_name=a{braces}',
)


def _load(option: str) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        check_training(load_config(BASE, [option]).resolved)
        return 'the config is loaded'

    return run


VALUES = (
    *(
        Case('value of a config', option, _load(option), refused=f' is not allowed; {said}')
        for option, said in REFUSED.items()
    ),
    *(Case('value of a config', o, _load(o), refused=said) for o, said in SAID.items()),
    *(Case('value of a config', o, _load(o), read='the config is loaded') for o in USUAL),
)
