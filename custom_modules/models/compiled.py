"""``torch.compile`` for the network, which never costs a run."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.logging import MMLogger, print_log
from torch import nn

from .binary_segmentor import as_segmentor

Network = Callable[[torch.Tensor], torch.Tensor]


class CompiledNetwork:
    """A network that is compiled for each size it meets, and runs as it is if that fails.

    Only encoder and head are compiled: losses and the stack around them are Python that would break
    the graph. Dynamic shapes are left out, because they make the generated code slower; images of
    one size are what this project trains and tests on.

    Args:
        network: function to compile, (N, C, H, W) -> logits.
        settings: arguments of ``torch.compile``, such as ``mode``.
    """

    def __init__(self, network: Network, settings: dict[str, Any]) -> None:
        self.network = network
        self.compiled: Network | None = torch.compile(network, dynamic=False, **settings)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.compiled is not None:
            try:
                return self.compiled(inputs)
            except torch.cuda.OutOfMemoryError:
                raise
            except Exception as error:  # compilers fail in any way
                # What fails in the plain network too is no fault of the compiler.
                logits = self.network(inputs)
                self.compiled = None
                reason = str(error).strip().splitlines()[0] if str(error).strip() else ''
                MMLogger.get_current_instance().warning(
                    f'torch.compile failed ({type(error).__name__}: {reason}); '
                    'the run goes on without it'
                )
                return logits
        return self.network(inputs)


def compile_network(model: nn.Module, settings: bool | dict[str, Any], training: bool) -> None:
    """Compile the network of a model, once, and say in a line what of a training it leaves out.

    A training step that learns more than the logits (``learned_beside``) needs the feature maps
    between encoder and head too, which a compiled network does not give. It runs as it is.

    Args:
        model: BinarySegmentor whose ``network`` is compiled in its place.
        settings: ``compile`` of the config: whether to, or arguments of ``torch.compile``.
        training: whether training steps follow, and not validations or tests alone.

    Raises:
        UserError: the model is no BinarySegmentor.
    """
    if not settings:
        return
    model = as_segmentor(model, 'compile')
    if not isinstance(model.network, CompiledNetwork):
        model.network = CompiledNetwork(model.network, {} if settings is True else settings)
    more = model.learned_beside
    if training and more and model.decode_head is not None:
        line = (
            f'compile: training steps are not compiled, because {", ".join(more)} of the model '
            'sees inside the network; validations are'
        )
        print_log(line, 'current', logging.INFO)
        if is_main_process():
            print(line, flush=True)
