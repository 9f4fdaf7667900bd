"""The result of a case: text with tables, plots, and verdicts that can fail."""

import math
from dataclasses import dataclass

from markdown_table import markdown_table


@dataclass(frozen=True)
class Verdict:
    """A value that must not exceed its bound. NaN fails."""

    what: str
    value: float
    bound: float

    def holds(self):
        return self.value <= self.bound

    def line(self):
        return f"{self.what}: {number(self.value)}, at most {number(self.bound)}"


def number(value):
    """A number in the format of the page."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return str(value)
    if isinstance(value, int) or value == 0:
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


def table(rows):
    """A Markdown table of rows with the same keys."""
    return markdown_table(list(rows[0]), [[number(plain(value)) for value in row.values()] for row in rows])


def plain(value):
    return value.item() if hasattr(value, "item") else value
