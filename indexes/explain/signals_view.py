"""How the running signals look, on standard error: standard output is for answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from ..counters import Percentiles, Signals
from ..shell import complain


def show_signals(signals: Signals, *, as_json: bool) -> None:
    """A line a signal, or one JSON object."""
    if as_json:
        print(json.dumps(signals.to_json()), file=sys.stderr, flush=True)
        return
    for line in lines(signals):
        complain(line)


def lines(signals: Signals) -> list[str]:
    """The signals for people."""
    if not signals.answers:
        return ["no answers yet, so there are no signals"]
    states = ", ".join(f"{count} {state}" for state, count in signals.citations.items()) or "none looked at"
    return [
        f"speed: {_spread(signals.stage_ms)} (p50/p95 ms over {signals.answers:,} answers)",
        f"speed by index: {_spread(signals.index_ms)}; {_number(signals.characters_read, 0)} characters an answer",
        f"grounding: {_share(signals.grounded)} of sampled citations still have their bytes ({states})",
        f"noise: {_share(signals.duplicates)} of the text twice, {_number(signals.sources, 1)} sources an answer,"
        f" {_share(signals.budget_used)} of the budget used, {_share(signals.empty)} without a hit",
        f"handoff: mean confidence {_share(signals.confidence)}, {_share(signals.abstained)} abstained",
    ]


def _spread(values: Mapping[str, Percentiles]) -> str:
    return ", ".join(f"{name} {one.p50:.1f}/{one.p95:.1f}" for name, one in values.items()) or "unknown"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"
