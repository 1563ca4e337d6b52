"""Who guesses at hidden conversations from all that is public is hardly ever better for it."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import numpy
import pytest

from chaos.guesses import (
    ALLOWED_POINTS,
    ATTACKERS,
    Measured,
    Year,
    make_helpline,
    measure,
    protect,
    together,
)
from publish.disclosure.cells import Cell, Publication
from publish.disclosure.registry import definitions_of_project

FIGURES = definitions_of_project()


@pytest.fixture(scope="module")
def truth() -> dict[Cell, int]:
    """A year of two hundred conversations a month, whose hours are public."""
    return make_helpline(random.Random(7), 200, years=1)


@pytest.fixture(scope="module")
def public(truth) -> Publication:
    return protect(truth, FIGURES)


def test_what_is_public_hardly_helps_to_guess(truth, public):
    measured = measure(public, truth)
    assert measured.hidden > 20
    assert measured.given_away <= ALLOWED_POINTS


def test_attempts_that_were_shown_would_help_much(truth, public):
    """As it was while answered attempts were not protected: the measure sees what they tell."""
    of_attempts = {
        cell: Decimal(count)
        for cell, count in truth.items()
        if cell.figure in ("attempts", "answered_attempts")
        and cell.breakdown in ("", "weekday", "hour", "hour_of_week")
    }
    older = replace(
        public,
        shown={**public.shown, **of_attempts},
        hidden=public.hidden - of_attempts.keys(),
    )
    measured = measure(older, truth)
    assert measured.hidden == measure(public, truth).hidden
    assert measured.right["attempts and margins"] > 60
    assert measured.given_away > 2 * ALLOWED_POINTS


def test_every_attacker_guesses_a_count_for_each_hidden_time(truth, public):
    year = Year(public, "2020", "hour_of_week")
    for guess in ATTACKERS.values():
        guesses = guess(year)
        assert len(guesses) == year.is_hidden.sum()
        assert numpy.isfinite(guesses).all()


def test_helplines_count_by_what_they_hide():
    rates = dict.fromkeys(ATTACKERS, 10.0)
    both = together([Measured(30, rates), Measured(10, dict.fromkeys(ATTACKERS, 50.0))])
    assert both == Measured(40, dict.fromkeys(ATTACKERS, 20.0))
