"""What ends a command with one line."""


class CommandError(Exception):
    """Something the user can mend; the message names it in one sentence, and the command ends with exit code 2."""
