"""Print every mutant that cosmic-ray makes of the files named on the command line, as JSON.

This alone runs in the environment of chaos/cosmic-ray.lock, and not in the project's own: it
imports nothing of the project. Each mutant is `[file, operator, mutated source]`.
"""

import itertools
import json
import sys
from pathlib import Path

from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.provider import OperatorProvider

# Others in the same place say the same thing: whoever notices `+` for `-` notices `*` too, and a
# score is no better for nine mutants that one test kills.
BINARY = {
    "Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul", "FloorDiv": "Mul", "Mod": "Mul",
    "Pow": "Mul", "BitOr": "BitAnd", "BitAnd": "BitOr", "BitXor": "BitOr",
}  # fmt: skip
# Of a comparison those that no test notices only because another one is noticed (Kaminski, Ammann
# and Offutt 2013, Improving logic-based testing, Journal of Systems and Software 86); of equality
# the opposite, for codes have no order.
COMPARISON = {
    "Lt": ("LtE", "NotEq"), "LtE": ("Lt", "Eq"), "Gt": ("GtE", "NotEq"), "GtE": ("Gt", "Eq"),
    "Eq": ("NotEq",), "NotEq": ("Eq",), "Is": ("IsNot",), "IsNot": ("Is",),
}  # fmt: skip
# These need parameters, and make nonsense rather than mistakes.
NOT_USED = ("VariableReplacer", "VariableInserter")


def is_used(operator: str) -> bool:
    """Whether an operator makes mistakes that somebody could make."""
    if operator.startswith("ReplaceBinaryOperator_"):
        _, before, after = operator.split("_")
        return BINARY.get(before) == after
    if operator.startswith("ReplaceComparisonOperator_"):
        _, before, after = operator.split("_")
        return after in COMPARISON.get(before, ())
    return operator not in NOT_USED


def main() -> None:
    """Print the mutants of all files."""
    provider = OperatorProvider()
    mutants = []
    for path in sys.argv[1:]:
        source = Path(path).read_text(encoding="utf-8")
        for name in filter(is_used, provider):
            for number in itertools.count():
                mutated = MutationVisitor.mutate_code(source, provider[name](), number)
                if mutated is None:
                    break
                mutants.append([path, name, mutated])
    json.dump(mutants, sys.stdout)


if __name__ == "__main__":
    main()
