"""What the benchmarks share: measuring two servers in turn, the spread of their ratios, options, and printing figures."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Measured = TypeVar("Measured")


def in_turn(
    bare: Callable[[], Measured], ours: Callable[[], Measured], *, rounds: int
) -> list[tuple[Measured, Measured]]:
    """Measure both in pairs, each pair in the other order than the last (A B B A): a drift of the machine favours neither.

    One pair more than asked for goes first and is dropped: it warms caches, and the disk.
    """
    pairs: list[tuple[Measured, Measured]] = []
    for turn in range(rounds + 1):
        if turn % 2:
            our_figure = ours()
            pairs.append((bare(), our_figure))
        else:
            bare_figure = bare()
            pairs.append((bare_figure, ours()))
    return pairs[1:]


def spread(ratios: Sequence[float]) -> dict[str, float]:
    """Give the median of the pairs' ratios, and how far they lie apart."""
    # Of one ratio there are no quantiles: it is all of them itself.
    lower, median, upper = statistics.quantiles([*ratios, *ratios] if len(ratios) == 1 else ratios, n=4)
    return {
        "ratio_min": round(min(ratios), 3),
        "ratio_lower_quartile": round(lower, 3),
        "ratio_median": round(median, 3),
        "ratio_upper_quartile": round(upper, 3),
        "ratio_max": round(max(ratios), 3),
    }


def options(described: str | None) -> argparse.ArgumentParser:
    """Begin the options of a benchmark, with its docstring as its help."""
    parser = argparse.ArgumentParser(
        description=described, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    return parser


def show(figures: Mapping[str, Any], *, as_json: bool) -> None:
    """Print figures: a line each, or one line of JSON."""
    width = max(len(name) for name in figures)
    print(
        json.dumps(figures)
        if as_json
        else "\n".join(f"{name:{width}} {value}" for name, value in figures.items())
    )
