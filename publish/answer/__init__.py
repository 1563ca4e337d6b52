"""The annex to the answer to a written question: its tables, as a Word document."""

from publish.answer.annex import add_options, answer

__all__ = ["add_options", "answer"]
