"""What does not hold any more of what was published, in words: once for each cause."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from publish.causes import VALUE, by_cause
from publish.disclosure.periods import block_of
from publish.ledger import IN_PUBLIC, Contradiction, name
from publish.words import Words

TEXTS = Path(__file__).with_suffix(".toml")
EXAMPLES = 3


def tell(contradictions: Iterable[Contradiction], language: str = "en") -> list[str]:
    """Say in plain words what contradicts what was published: a cause once, and some values.

    Late logs change hundreds of figures of a year: the first are said with both values.
    """
    contradictions = list(contradictions)
    words = Words(language, None, TEXTS)
    values = [one for one in contradictions if one.cause == VALUE]
    lines = tell_causes(contradictions, language)
    for (document, year), group in groupby(sorted(values, key=_published), key=_published):
        of_year = list(group)
        if len(of_year) > EXAMPLES:
            figures = _counted(len(of_year), words)
            lines.append(words.text("values", figures=figures, year=year, document=document))
        lines += [_tell_value(one, words) for one in of_year[:EXAMPLES]]
    return lines


def tell_causes(contradictions: Iterable[Contradiction], language: str = "en") -> list[str]:
    """Say, without a value, for which causes figures of `public/` cannot be what was shown."""
    words = Words(language, None, TEXTS)
    causes = {one.cell: one.cause for one in contradictions if one.cause != VALUE}
    return [
        words.text(
            "told",
            figures=_counted(len(cells), words),
            cause=words.text(f"causes.{cause}"),
            cells=", ".join(map(name, cells[:EXAMPLES])) + ", …" * (len(cells) > EXAMPLES),
            remedy=words.text(f"remedies.{cause}"),
        )
        for cause, cells in by_cause(causes).items()
    ]


def _published(contradiction: Contradiction) -> tuple[str, str]:
    """Give what published it, and the year that it is about."""
    return contradiction.document, block_of(contradiction.period)


def _counted(number: int, words: Words) -> str:
    return words.text("figure" if number == 1 else "figures", number=number)


def _tell_value(one: Contradiction, words: Words) -> str:
    """Say it with both values."""
    return words.text(
        "shown" if one.document == IN_PUBLIC else "printed",
        cell=name(one.cell),
        published=one.published,
        document=one.document,
        revised=words.text("revised", value=one.revised) if one.revised else "",
        found=words.text("found", value=one.found) if one.found else words["not_found"],
    )
