"""All that is wrong with a folder, said at once."""

from collections.abc import Sequence

from ..base.errors import UserError


def faults_error(faults: Sequence[str], heading: str) -> UserError:
    """Return the error that says all faults, each in a line; one alone is the whole message.

    Args:
        faults: what is wrong, each with its file and what to do.
        heading: what the faults are, to stand behind their number, such as 'masks are wrong'.
    """
    if len(faults) == 1:
        return UserError(faults[0])
    return UserError('\n    '.join([f'{len(faults):,} {heading}:', *faults]))
