"""English questions by the pattern of a sentence, in the manner of rule-based question generation.

Heilman and Smith 2010, *Good Question! Statistical Ranking for Question Generation*, transform parsed sentences. Here
are only patterns that need no parser, and a sentence that fits none gives no question.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ...pipeline.function_words import FUNCTION_WORDS

LONGEST = 220
"""Characters of a sentence that is asked about: a longer one is no question anyone would ask."""
FEWEST_WORDS = 5


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_LINKING = re.compile(
    r"^(?:However|Moreover|Furthermore|In addition|For example|For instance|Also|Finally|Therefore|Thus|Hence|Instead"
    r"|In fact|As a result|Similarly|Likewise|Additionally|Consequently|Overall|Meanwhile),\s+"
)
_BROKEN = re.compile(r"[?!:\"“”„()@—]|\.\s|\.\.|…")
"""Sentences with these are two, or a quotation, or unfinished."""

_UNNAMED = _words(
    "it its this that these those there here he she they we i you his her their our my your who which what one such"
    " some many most both each another others all everyone nobody nothing something and but or if when while as"
    " although though because since after before once until so then than to in on at by for from with without of not"
    " no only even just let how why where among amid along unlike like despite during under over between through within"
    " throughout upon near besides according about against across around behind below above thus hence however yet"
    " please thats theres aint dont didnt isnt"
)
"""Words that no subject begins with whose name can be understood outside its text."""

_POINTING = _words(
    "it its this that these those he she him his her hers they them their theirs we us our ours i me my mine your such"
    " thats aint im whose"
)
"""Words that point at something outside of a question."""
_INSIDE = _words("of in for on at from the a an and to with by no")
"""Function words that stand inside names of things."""

_SUBJECT = r"(?P<subject>[A-Z0-9][\w'’./-]*(?: [\w'’./%&-]+){0,6}?)"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_COUNT = (
    r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty"
    r"|a hundred)(?: (?:hundred|thousand|million|billion|trillion))?"
)
_AUXILIARIES = _words("is are was were has have had will would can could must should may might")
_AUXILIARY = rf"(?:{'|'.join(sorted(_AUXILIARIES))})"
_NOT_BEFORE_A_COUNT = _words(
    "a an the these those to or and every all its their other first last next past following further another than point"
    " hundred thousand million oh minus plus version chapter section page number"
)
_SHORT = 140
"""Characters of a sentence that can be asked with its own words and still sounds like a question."""
_SAYS = {
    "means": "mean",
    "refers to": "refer to",
    "stands for": "stand for",
    "consists of": "consist of",
    "depends on": "depend on",
    "requires": "require",
    "contains": "contain",
    "includes": "include",
    "causes": "cause",
    "covers": "cover",
    "provides": "provide",
    "supports": "support",
    "shows": "show",
    "describes": "describe",
    "prevents": "prevent",
    "measures": "measure",
    "controls": "control",
}


def wh_question(sentence: str) -> str | None:
    """A question that a sentence answers; ``None`` where no pattern fits."""
    sentence = sentence.strip()
    if not sentence[:1].isupper():  # text without capitals has no full stops to trust either: transcripts
        return None
    sentence = _LINKING.sub("", sentence)
    sentence = sentence[:1].upper() + sentence[1:]
    bare = sentence.split("; ")[0].rstrip(" .,")
    if len(bare.split()) < FEWEST_WORDS or len(bare) > LONGEST or _BROKEN.search(bare):
        return None
    for pattern in _PATTERNS:
        question = pattern(bare)
        if question is not None and not _POINTING & set(_WORD.findall(question.casefold())):
            return question[:1].upper() + question[1:].rstrip() + "?"
    return None


def _frequency(sentence: str) -> str | None:
    """From "Rinse the filter every week": "How often should you rinse the filter"."""
    found = re.match(
        r"(?P<verb>[A-Z][a-z]+) (?P<what>(?:the|your|all|any|both) [\w' -]{3,60}?) (?:once|twice|every|each)\b",
        sentence,
    )
    if not found or found["verb"].casefold() in _FUNCTION:
        return None
    return f"how often should you {found['verb'].lower()} {found['what']}"


def _instruction(sentence: str) -> str | None:
    """From "To reset the pump, hold the button": "How do you reset the pump"."""
    found = re.match(r"To (?P<verb>[a-z]+) (?P<what>[^,]{4,70}), (?P<rest>.+)", sentence)
    if not found or found["verb"] in {"be", "date", *_FUNCTION}:
        return None
    what = found["what"].split()
    if what[0].casefold() in _UNNAMED or all(word.casefold() in _FUNCTION for word in what):
        return None
    return f"how do you {found['verb']} {found['what']}"


def _condition(sentence: str) -> str | None:
    """From "If an update fails, the roaster starts the old one": "What happens if an update fails"."""
    found = re.match(r"(?P<word>If|When) (?P<case>[^,]{10,90}), (?:then )?(?P<then>[a-z]+) (?P<rest>.+)", sentence)
    if not found or len(found["case"].split()) < 3:
        return None
    # "…, add a batch" tells what to do; "…, the roaster starts" tells what happens.
    orders = found["then"] not in _FUNCTION or re.match(r"(?:do not|don't|never) ", f"{found['then']} {found['rest']}")
    if orders and found["then"].endswith(("s", "ed", "ing", "ly")) and found["then"] not in _ORDERS_IN_S:
        return None
    past = re.search(r"\b(?:was|were|had|did)\b", found["case"])
    asked = "what should you do" if orders else "what happened" if past else "what happens"
    return f"{asked} {found['word'].lower()} {_lowered(found['case'])}"


def _reason(sentence: str) -> str | None:
    """From "The lamp is red because the tank is empty": "Why is the lamp red"."""
    found = re.match(rf"{_SUBJECT} (?P<aux>{_AUXILIARY}) (?P<rest>[^,]{{3,90}}?),? because (?P<why>.+)", sentence)
    if not found or not _named(found["subject"]) or found["rest"].split()[0] in _ARTICLES:
        return None
    return f"why {found['aux']} {_lowered(found['subject'])} {found['rest']}"


def _date(sentence: str) -> str | None:
    """From "The plant was opened in Graz in 1998": "When was the plant opened in Graz"."""
    found = re.match(
        rf"{_SUBJECT} (?P<aux>was|were) (?P<rest>[a-z][^,]{{3,90}}?),? (?:in|on) "
        rf"(?P<date>(?:{_MONTH} )?(?:\d{{1,2}}, )?(?:1[5-9]|20)\d\d|\d{{1,2}} {_MONTH}(?: \d{{4}})?)$",
        sentence,
    )
    if not found or not _named(found["subject"]):
        return None
    return f"when {found['aux']} {_lowered(found['subject'])} {found['rest']}"


def _definition(sentence: str) -> str | None:
    """From "A grinder is a device that …": "What is a grinder"."""
    found = re.match(rf"{_SUBJECT} (?P<aux>is|are|was|were) (?P<what>(?:an?|the|one of the) [a-z].+)", sentence)
    if not found or not _named(found["subject"]):
        return None
    who = "who or what" if _is_name(found["subject"]) else "what"
    return f"{who} {found['aux']} {_lowered(found['subject'])}"


def _says(sentence: str) -> str | None:
    """From "E-4304 means that the pump is dry": "What does E-4304 mean"."""
    found = re.match(rf"{_SUBJECT} (?P<verb>{'|'.join(_SAYS)}) (?P<what>.+)", sentence)
    if not found or not _named(found["subject"]):
        return None
    return f"what does {_lowered(found['subject'])} {_SAYS[found['verb']]}"


def _duty(sentence: str) -> str | None:
    """From "The operator must close the valve": "What must the operator do"."""
    found = re.match(rf"{_SUBJECT} (?P<aux>must|should|shall)(?P<no> not)? (?P<rest>.+)", sentence)
    if not found or not _named(found["subject"]) or found["rest"].split()[0] in ("have",):
        return None
    no = found["no"] or ""
    if found["rest"].startswith("be "):
        return None if no else f"what {found['aux']} be done with {_lowered(found['subject'])}"
    return f"what {found['aux']} {_lowered(found['subject'])}{no} do"


def _amount(sentence: str) -> str | None:
    """From "The warranty covers the pump for two years": "The warranty covers the pump for how many years"."""
    words = sentence.split()
    if words[0].casefold() in _UNNAMED or not words[0][0].isupper() or len(sentence) > _SHORT:
        return None
    for pattern, asked in (
        (r"\$\s?[\d,.]+(?: (?:thousand|million|billion|trillion))?", "how much money"),
        (rf"(?<![\w$.,–-]){_COUNT}\s?(?:%|percent|per cent)(?!\w)", "what percentage"),
        (rf"(?<![\w$.,–-])(?!(?:19|20)\d\d\b){_COUNT} (?=[a-z]{{3,}}s\b)", "how many "),
    ):
        found = list(re.finditer(pattern, sentence))
        if len(found) == 1 and _states(sentence[: found[0].start()]):
            return sentence[: found[0].start()] + asked + sentence[found[0].end() :]
    return None


_PATTERNS: tuple[Callable[[str], str | None], ...] = (
    _frequency,
    _instruction,
    _condition,
    _reason,
    _date,
    _says,
    _duty,
    _definition,
    _amount,
)


def _states(before: str) -> bool:
    """Whether what stands before a number begins a statement, and no instruction ("Undo the …") or scrap of a table;
    and the number is whole: no year of a date, no part of a number in words ("twenty five")."""
    words = before.split()
    if len(words) < 2 or words[1].casefold() in _ARTICLES:
        return False
    last = words[-1].casefold()
    if last in _NOT_BEFORE_A_COUNT or re.fullmatch(f"{_COUNT}|{_MONTH.casefold()}", last) or last.endswith("ty"):
        return False
    return words[0].casefold() in _ARTICLES or any(word in _AUXILIARIES for word in words[1:])


_FUNCTION = FUNCTION_WORDS["en"]
_ARTICLES = _words("the a an")
_ORDERS_IN_S = frozenset({"press"})
_WORD = re.compile(r"[^\W\d_]+")
_RELATIVE = _words(
    "first second third fourth last next other another former latter same following previous above below main only"
    " reason result problem point idea fact goal aim purpose answer question difference rest former key remaining"
    " present current new old best worst most least"
)
"""Words that point at something said before."""


def _named(subject: str) -> bool:
    """Whether a subject names something by itself, rather than by what was said before."""
    words = subject.casefold().split()
    if words[0] in _UNNAMED or any(word in {"who", "which", "that"} for word in words):
        return False
    if words[0].endswith("ly") or words[-1] in _FUNCTION or words[-1].endswith("ly"):
        return False
    if any(word in _FUNCTION and word not in _INSIDE for word in words[1:]):
        return False
    if sum(len(word) > 1 and word.isupper() for word in subject.split()) > 1:  # initials of authors
        return False
    if words[0] in _ARTICLES and (
        len(words) < 2 or _RELATIVE & set(words) or any(len(word) > 5 and word.endswith("est") for word in words)
    ):
        return False
    return any(word not in _FUNCTION and len(word) > 2 for word in words)


def _is_name(subject: str) -> bool:
    words = subject.split()
    return len(words) > 1 and words[0].casefold() not in _ARTICLES and all(word[0].isupper() for word in words)


def _lowered(subject: str) -> str:
    """A subject inside a sentence: articles and plain words small, names as they are."""
    first, _, rest = subject.partition(" ")
    if first.casefold() in _FUNCTION or (rest and rest[0].islower() and first[1:].islower()):
        return subject[0].lower() + subject[1:]
    return subject
