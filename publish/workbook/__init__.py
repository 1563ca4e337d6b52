"""The workbook of public figures, for those who work in a spreadsheet program."""

from publish.workbook.write import write_workbook

__all__ = ["write_workbook"]
