"""The report: one page for those who read the figures, made from what is public alone."""

from publish.report.build import write_report

__all__ = ["write_report"]
