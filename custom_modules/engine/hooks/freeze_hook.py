"""Parts of a network that begin to learn later than the rest."""

from collections.abc import Sequence
from itertools import takewhile

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch import nn

from ...base.errors import UserError, did_you_mean


@HOOKS.register_module()
class FreezeHook(Hook):
    """Keep parts of the network as they are at first, so that the rest learns to use them.

    Until then the parts have no gradients, their BatchNorm normalises with the statistics that it
    has and keeps them, and their dropout does nothing. Afterwards they learn like all others, but
    for what ``frozen_stages`` keeps frozen for good. Which of the two it is follows from what the
    training has done, so that a resumed run needs nothing noted. Several hooks may free several
    parts one after the other; a part belongs to one of them.

    Args:
        until: number of epochs at the beginning in which the parts do not learn, or of steps, where
            the training counts steps.
        parts: names of the parts, as the parameters have them, such as 'backbone' or
            'backbone.layer1'.

    Raises:
        UserError: the network has no such part, nothing in them learns anyway, nothing else
            learns, another FreezeHook has a part of them, or several processes would wait for the
            gradients.
    """

    def __init__(self, until: int, parts: Sequence[str] = ('backbone',)) -> None:
        self.until = until
        self.parts = [*parts]

    def before_train(self, runner: Runner) -> None:
        model = runner.bare_model
        if not getattr(runner.model, 'find_unused_parameters', True):  # of torch's DDP
            raise UserError(
                'FreezeHook: several processes would wait for the gradients of what is frozen; '
                'write find_unused_parameters = True'
            )
        self.modules = [_part(model, name) for name in self.parts]
        #: Those that are not frozen for good.
        self.learning = [
            one for part in self.modules for one in part.parameters() if one.requires_grad
        ]
        if not self.learning:
            raise UserError(
                f'FreezeHook: nothing in {", ".join(self.parts)} learns anyway; take the hook out, '
                'or name other parts'
            )
        before = [
            hook
            for hook in takewhile(lambda hook: hook is not self, runner.hooks)
            if isinstance(hook, FreezeHook)
        ]
        for other in before:
            self._refuse_a_shared_part(other)
        kept = {id(one) for hook in (*before, self) for one in hook.learning}
        if kept >= {id(one) for one in model.parameters() if one.requires_grad}:
            names = ', '.join(name for hook in (*before, self) for name in hook.parts)
            raise UserError(
                f'FreezeHook: without {names} nothing is left that learns; name fewer parts'
            )
        self.frozen = False

    def _refuse_a_shared_part(self, other: 'FreezeHook') -> None:
        """Refuse another hook that would switch the gradients of this one's parts on and off."""
        for name, part in zip(self.parts, self.modules, strict=True):
            own = {*map(id, part.parameters())}
            for its_name, its_part in zip(other.parts, other.modules, strict=True):
                if not own.isdisjoint(map(id, its_part.parameters())):
                    shared = max(name, its_name, key=len)  # the one that lies inside the other
                    raise UserError(
                        f'two FreezeHooks have {shared}: parts = {other.parts} until '
                        f'{other.until}, and parts = {self.parts} until {self.until}; leave it to '
                        'one of them'
                    )

    def before_train_iter(self, runner: Runner, *_: object, **__: object) -> None:
        frozen = runner.train_loop.done < self.until
        if frozen != self.frozen:
            self.frozen = frozen
            for parameter in self.learning:
                parameter.requires_grad_(not frozen)
            what = 'frozen' if frozen else 'learning from here on'
            runner.logger.info(f'{what}, after {runner.train_loop.position}: {self.parts}')
            if not frozen:
                for part in self.modules:
                    part.train()
        for part in self.modules if frozen else ():
            if part.training:  # the loop has said so to the whole model
                part.eval()


def _part(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        known = [one for one, part in model.named_modules() if one and [*part.parameters()]]
        large = ', '.join(one for one in known if '.' not in one)
        near = did_you_mean(name, known) or f'; use {large}, or a part of them'
        raise UserError(f'FreezeHook: parts: the network has no {name!r}{near}') from None
