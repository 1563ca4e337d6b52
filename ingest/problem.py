"""What a person has to put right, said so that they can."""


class Problem(Exception):
    """Something outside the software is wrong: a file, a setting, a full disk.

    The message says what happened, where (file and line) and what to do about it. It never quotes
    the content of a log. Commands print it without a traceback, and end with status 1.
    """
