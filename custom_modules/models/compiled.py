"""``torch.compile`` for the network, which never costs a run."""

from collections.abc import Callable
from typing import Any

import torch
from mmengine.logging import MMLogger

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
