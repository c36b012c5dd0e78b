"""The top-level keys of a config that mean something."""

import inspect

from mmengine.runner import Runner

#: Arguments of MMEngine's Runner, and what it reads from the config beside them.
RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    'activation_checkpointing',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'shard',
    'sync_bn',
}
