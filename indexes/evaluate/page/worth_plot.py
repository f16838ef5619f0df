"""What each kind of evidence costs and what it adds: does it earn its milliseconds?"""

from __future__ import annotations

from ..summary import Summary, Worth
from .axis import Axis, around, tight
from .drawing import Drawing, text_width
from .figure import Figure, listed, points, spell

_WIDTH, _ROW, _TOP, _BOTTOM = 860.0, 36.0, 40.0, 54.0
_GAP = 40.0

SAID = {"earns": "earns its time", "harms": "does harm", "no gain shown": "no gain shown"}
_COLOUR = {"earns": "good", "harms": "bad", "no gain shown": "doubt"}


def worth_figure(summary: Summary, what: str) -> Figure:
    """Gain and milliseconds side by side, the largest gain first.

    Args:
        what: The mean over which metrics, such as "mean recall over all budgets".
    """
    ranked = sorted((one for one in summary.worth if one.gain.mean == one.gain.mean), key=lambda one: -one.gain.mean)
    finding = _finding(ranked)
    if not ranked:
        return Figure("worth", finding, "Nothing was left out of the fused answer, or no question has an answer.")
    verdicts = [_verdict(one) for one in ranked]
    left = 22 + max(text_width(spell(one.name)) for one in ranked)
    right = _WIDTH - 10 - max(text_width(said, strong=True) for said in verdicts)
    middle = left + 0.62 * (right - left)
    bottom = _TOP + _ROW * len(ranked)
    drawing = Drawing(_WIDTH, bottom + _BOTTOM, finding)
    gain = tight(
        [0.0, *(100 * end for one in ranked for end in (one.gain.low, one.gain.high))], left + 8, middle - _GAP
    )
    spent = [one.ms for one in ranked if one.ms == one.ms]
    ms = Axis(0, around([0.0, *spent], 0, 1).high, middle, right - 66)
    drawing.text((left + 8, 20), "adds, points of " + what, "strong")
    drawing.text((middle, 20), "costs, ms a question", "strong")
    for axis, unit in ((gain, "+g"), (ms, "g")):
        for tick in axis.ticks(5 if axis is gain else 3):
            drawing.line([(axis(tick), _TOP - 8), (axis(tick), bottom)], "axis" if tick == 0 else "rule")
            said = f"{tick:{unit}}".replace("-", "−") if tick else "0"
            drawing.text((axis(tick), bottom + 19), said, "soft", anchor="middle")
    drawing.text(((left + middle - _GAP) / 2, bottom + 42), "with 95 % interval", "soft small", anchor="middle")
    drawing.text(((middle + right - 66) / 2, bottom + 42), "reading its index, mean", "soft small", anchor="middle")
    for number, (one, said) in enumerate(zip(ranked, verdicts, strict=True)):
        y = _TOP + _ROW * (number + 0.5) - 4
        colour = _COLOUR[one.verdict]
        drawing.text((left - 12, y + 5), spell(one.name), anchor="end")
        drawing.line([(gain(100 * one.gain.low), y), (gain(100 * one.gain.high), y)], "line thick", colour)
        tip = f"{spell(one.name)}: {points(one.gain.mean, 2)} points ({_interval(one)})"
        drawing.dot((gain(100 * one.gain.mean), y), 5.5, colour, hollow=one.verdict == "no gain shown", tip=tip)
        if one.ms == one.ms:
            drawing.box((ms(0), y - 8), (ms(one.ms) - ms(0), 16), "soft", 0.55, tip=f"{one.ms:.2f} ms")
            drawing.text((ms(one.ms) + 6, y + 5), f"{one.ms:.1f} ms")
        else:
            drawing.text((ms(0) + 6, y + 5), "no index", "soft")
        drawing.text((right, y + 5), said, "strong" if one.verdict != "no gain shown" else "", colour=colour)
    reading = (
        "Left: what the fused answer gains by this evidence, against the fused answer without it, on the same "
        "questions. Right: the time that reading its index takes. An interval that holds 0 shows no gain: such "
        "evidence does not earn its milliseconds here. One below 0 shows that the answer is "
        "better without it."
    )
    cells = (
        (
            spell(one.name),
            points(one.gain.mean, 2),
            _interval(one),
            "–" if one.ms != one.ms else f"{one.ms:.2f}",
            said,
        )
        for one, said in zip(ranked, verdicts, strict=True)
    )
    table = (("evidence", "adds, points", "95 % interval", "ms", "verdict"), *cells)
    return Figure("worth", finding, reading, drawing, table)


def _interval(one: Worth) -> str:
    return f"{points(one.gain.low, 2)} to {points(one.gain.high, 2)}"


def _verdict(one: Worth) -> str:
    return SAID[one.verdict] if one.ms == one.ms or one.verdict != "earns" else "helps"


def _finding(ranked: list[Worth]) -> str:
    earning = [one for one in ranked if one.verdict == "earns"]
    idle = [spell(one.name) for one in ranked if one.verdict == "no gain shown" and one.ms > 0]
    harm = [spell(one.name) for one in ranked if one.verdict == "harms"]
    tails = [f"{listed(harm)} {'do' if _many(harm) else 'does'} harm"] if harm else []
    if idle:
        tails.append(f"{listed(idle)} {'do not earn their' if _many(idle) else 'does not earn its'} milliseconds here")
    if not earning:
        none = "No kind of evidence is shown to add anything to the others on these questions"
        return "; ".join([none, *tails[: len(harm[:1])]])
    first = earning[0]
    cost = f" for {first.ms:.1f} ms" if first.ms == first.ms else ""
    head = f"{spell(first.name).capitalize()} add{'' if _many([spell(first.name)]) else 's'} most:"
    head += f" {points(first.gain.mean)} points{cost}"
    return "; ".join([head, *(tails or ["all evidence that has an index earns its time"])])


def _many(names: list[str]) -> bool:
    """Whether they take a verb in the plural."""
    return len(names) > 1 or names[0] in (spell("lexical"), spell("window"))
