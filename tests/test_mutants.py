"""`make mutants`: which mistakes it plants, that it notices what tests notice, and its plan."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chaos.mutants import ROOT, Mutant, Plan, is_other_code, mutants_of_sql, passes, share, survives


def test_a_slip_of_the_pen_is_one_mistake_and_none_in_comments_marks_and_texts():
    source = "{%- macro f(a) -%} {# 1 < 2 #} {{ a }} <= 10 and x = '3 < 4' -- 5\n{%- endmacro %}"
    mutants = mutants_of_sql(source)
    assert [mutant.partition("}} ")[2].partition(" -- ")[0] for mutant in mutants] == [
        "< 10 and x = '3 < 4'", "<= 11 and x = '3 < 4'", "<= 10 or x = '3 < 4'",
    ]  # fmt: skip
    assert list(mutants_of_sql("select table_2 from t")) == []


@pytest.mark.parametrize(
    ("source", "mutated", "is_other"),
    [
        ("def f(x: int | None) -> int | None: return x", "def f(x: int & None): return x", False),
        ("x: int | str = 1", "x: int & str = 1", False),
        ("x: int = 1", "x: int = 2", True),
        ("def f(x: int): return x < 1", "def f(x: int): return x <= 1", True),
    ],
)
def test_a_mistake_in_an_annotation_is_none(source, mutated, is_other):
    assert is_other_code("a.py", source, mutated) is is_other


def test_the_plan_names_files_and_tests_that_there_are_and_a_reason_for_each_that_is_left_out():
    plan = Plan.read()
    for path, tests in plan.tests.items():
        assert (ROOT / path).is_file()
        assert tests and all((ROOT / test).is_file() for test in tests)
    for (path, before, after), reason in plan.equivalent.items():
        assert path in plan.tests
        assert reason
        assert before != after


def test_a_mistake_is_planted_in_the_copy_and_taken_out_and_only_a_test_of_its_border_sees_it(
    tmp_path,
):
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    original = "def is_small(n):\n    return n < 5\n"
    module = tmp_path / "sizes.py"
    module.write_text(original, encoding="utf-8")
    for name, number in (("at_the_border", 5), ("far_away", 50)):
        test = f"from sizes import is_small\ndef test_it():\n    assert not is_small({number})\n"
        (tmp_path / f"test_{name}.py").write_text(test, encoding="utf-8")
    mistake = Mutant("sizes.py", "slip", original.replace("<", "<="), 2, "n < 5", "n <= 5")
    assert passes(tmp_path, ["test_at_the_border.py", "test_far_away.py"])
    assert survives(mistake, ["test_far_away.py"], tmp_path)
    assert not survives(mistake, ["test_at_the_border.py"], tmp_path)
    assert module.read_text(encoding="utf-8") == original


def test_a_file_without_tests_is_refused():
    command = [sys.executable, "-m", "chaos.mutants", "publish/nothing.py"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "names no tests of publish/nothing.py" in run.stderr


def test_a_share_says_its_count_and_nothing_of_nothing():
    assert share(9, 10) == "9 of 10 noticed (90.0 %)"
    assert share(0, 0) == "0 of 0 noticed"
