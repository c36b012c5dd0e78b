"""What is asked where a folder can be read in two ways."""

from collections.abc import Mapping

from ..base.errors import UserError


class QuestionError(UserError):
    """A folder can be read in several ways, and one answer of the user decides.

    Args:
        text: what was seen and what has to be decided, as one sentence that ends with '?'.
        answers: options of the command line to give -> what the data are then taken for.
    """

    def __init__(self, text: str, answers: Mapping[str, str]) -> None:
        self.text = text
        self.answers = dict(answers)
        lines = [f'    {option}: {meaning}' for option, meaning in self.answers.items()]
        super().__init__('\n'.join([text, 'give one of', *lines]))
