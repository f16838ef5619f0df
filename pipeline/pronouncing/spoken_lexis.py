"""Written signs that are said otherwise than they are spelt: abbreviations, units, currencies, symbols. English."""

from __future__ import annotations

from typing import Final

ABBREVIATIONS: Final[dict[str, tuple[str, ...]]] = {
    "dr": ("doctor", "drive"),
    "mr": ("mister",),
    "mrs": ("missus",),
    "ms": ("miz", "M S"),
    "messrs": ("messers",),
    "prof": ("professor", "prof"),
    "rev": ("reverend", "rev"),
    "hon": ("honorable",),
    "jr": ("junior",),
    "sr": ("senior",),
    "vs": ("versus", "V S"),
    "etc": ("et cetera",),
    "ltd": ("limited", "L T D"),
    "inc": ("incorporated", "ink"),
    "corp": ("corporation", "corp"),
    "dept": ("department",),
    "approx": ("approximately", "approx"),
    "blvd": ("boulevard",),
    "govt": ("government",),
    "asap": ("A S A P", "as soon as possible"),
    "btw": ("by the way", "B T W"),
    "faq": ("F A Q", "fack"),
    "aka": ("A K A", "also known as"),
    "wifi": ("why fie",),
}
"""With a full stop behind or without; the likeliest first. Capitals standing alone are letters."""

DOTTED_ABBREVIATIONS: Final[dict[str, tuple[str, ...]]] = {
    "st": ("saint", "street"),
    "ave": ("avenue",),
    "rd": ("road",),
    "mt": ("mount",),
    "ft": ("feet", "fort"),
    "no": ("number", "no"),
    "nos": ("numbers",),
    "co": ("company", "co"),
    "gen": ("general",),
    "col": ("colonel",),
    "sgt": ("sergeant",),
    "capt": ("captain",),
    "lt": ("lieutenant",),
    "gov": ("governor",),
    "sen": ("senator",),
    "rep": ("representative",),
    "fig": ("figure",),
    "vol": ("volume",),
    "ed": ("edition", "editor", "ed"),
    "ext": ("extension",),
    "tel": ("telephone", "tel"),
    "min": ("minutes", "minimum"),
    "max": ("maximum", "max"),
    "est": ("established", "estimated"),
    "jan": ("january",),
    "feb": ("february",),
    "mar": ("march",),
    "apr": ("april",),
    "jun": ("june",),
    "jul": ("july",),
    "aug": ("august",),
    "sep": ("september",),
    "sept": ("september",),
    "oct": ("october",),
    "nov": ("november",),
    "dec": ("december",),
    "mon": ("monday",),
    "tue": ("tuesday",),
    "tues": ("tuesday",),
    "wed": ("wednesday",),
    "thu": ("thursday",),
    "thurs": ("thursday",),
    "fri": ("friday",),
    "sat": ("saturday", "sat"),
    "sun": ("sunday", "sun"),
}
"""Words of their own unless a full stop follows."""

LATIN: Final[dict[str, tuple[str, ...]]] = {
    "e.g.": ("for example", "E G"),
    "i.e.": ("that is", "I E"),
    "a.m.": ("A M",),
    "p.m.": ("P M",),
    "ph.d.": ("P H D",),
}

SPECIAL_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "c++": ("C plus plus",),
    "c#": ("C sharp",),
    "f#": ("F sharp",),
    ".net": ("dot net",),
    "24/7": ("twenty four seven",),
    "9/11": ("nine eleven",),
    "w/o": ("without",),
    "and/or": ("and or", "and slash or"),
    "n/a": ("N A", "not applicable", "N slash A"),
}

UNITS: Final[dict[str, tuple[str, ...]]] = {
    "km": ("kilometer",), "cm": ("centimeter",), "mm": ("millimeter",), "nm": ("nanometer",), "µm": ("micron",),
    "μm": ("micron",), "m": ("meter",), "mi": ("mile",), "ft": ("foot",), "yd": ("yard",), "kg": ("kilogram", "kilo"),
    "g": ("gram",), "mg": ("milligram",), "lb": ("pound",), "lbs": ("pound",), "oz": ("ounce",), "l": ("liter",),
    "L": ("liter",), "ml": ("milliliter",), "mL": ("milliliter",), "ms": ("millisecond",), "s": ("second",),
    "sec": ("second",), "min": ("minute",), "h": ("hour",), "hr": ("hour",), "hrs": ("hour",), "Hz": ("hertz",),
    "kHz": ("kilohertz",), "MHz": ("megahertz",), "GHz": ("gigahertz",), "W": ("watt",), "kW": ("kilowatt",),
    "MW": ("megawatt",), "kWh": ("kilowatt hour",), "V": ("volt",), "mV": ("millivolt",), "A": ("amp", "ampere"),
    "mA": ("milliamp",), "KB": ("kilobyte", "K B"), "kB": ("kilobyte", "K B"), "MB": ("megabyte", "M B", "meg"),
    "GB": ("gigabyte", "G B", "gig"), "TB": ("terabyte", "T B"), "kbps": ("kilobit per second",),
    "Mbps": ("megabit per second", "M B P S"), "Gbps": ("gigabit per second",), "dB": ("decibel",),
    "mph": ("mile per hour", "M P H"), "km/h": ("kilometer per hour", "kilometer an hour"),
    "m/s": ("meter per second",), "rpm": ("R P M", "revolution per minute"), "m2": ("square meter",),
    "km2": ("square kilometer",), "m3": ("cubic meter",), "°C": ("degree celsius", "degree C", "degree"),
    "°F": ("degree fahrenheit", "degree"), "°": ("degree",), "px": ("pixel",), "dpi": ("D P I",), "x": ("time", "X"),
    '"': ("inch",), "in": ("inch",), "%": ("percent",),
}  # fmt: skip
"""After a number; the first word that can have a plural takes it, see :data:`NO_PLURAL`."""

NO_PLURAL: Final = frozenset({"hertz", "kilohertz", "megahertz", "gigahertz", "percent", "square", "cubic"})
GLUED_UNITS: Final = frozenset({"in", "x", "s", "h", "A", "V", "W", "L", '"', "°"})
"""Units only if no space parts them from the number: "5 in the morning", "route 7 A"."""

CURRENCIES: Final = {
    "$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₹": "rupee", "usd": "dollar", "eur": "euro",
    "gbp": "pound", "jpy": "yen", "inr": "rupee", "chf": "franc", "cny": "yuan", "aud": "dollar", "cad": "dollar",
}  # fmt: skip
MAGNITUDES: Final = {
    "k": "thousand", "m": "million", "mn": "million", "mm": "million", "bn": "billion", "b": "billion",
    "tn": "trillion", "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
}  # fmt: skip

SYMBOLS: Final[dict[str, tuple[str, ...]]] = {
    "&": ("and",), "@": ("at",), "+": ("plus",), "=": ("equals",), "%": ("percent",),
    "#": ("number", "hash", "pound"), "°": ("degrees",), "×": ("times", "by"), "÷": ("divided by",),
    "±": ("plus or minus",), "§": ("section",), "€": ("euro",), "$": ("dollar",), "£": ("pound",), "¥": ("yen",),
    "<": ("less than",), ">": ("greater than",), "≤": ("less than or equal to",), "≥": ("greater than or equal to",),
    "/": ("", "slash"), "\\": ("backslash",), "*": ("", "star"), "~": ("about", "tilde"), "_": ("", "underscore"),
}  # fmt: skip
"""An empty reading: not said."""

# Written as text: a list of them would be a page.
_DOMAINS = """
com org net edu gov mil int io ai dev app info biz uk de fr eu ch nl se no dk fi pl au nz jp cn ru br ca co tv
"""
_ONSETS = """
bj bl br ch chl chr cl cr cz dh dr dw dz fj fl fr gh gl gn gr gw hj hr hw kh kl kn kr kv kw ll mb mc ng pf ph
phl phr pl pn pr ps pt qu rh sc sch schl schm schn schr schw scl scr sh shr sk sl sm sn sp sph spl spr sq squ sr
st str sv sw sz szt th thr thw tr ts tw tz vl vr wh wr zh zl zw
"""
_CODAS = """
b bb bl bst bt c ch cht ck cq cs ct cz d dd dge dl ds dst dt dth dz f ff fs ft fth g gg gh ght gl gn gs h hh hl
hlf hm hn hr hrt j k ks kst l lb lc lch lck lct ld ldt lf lft lg lge lk ll lm ln lp lph ls lst lt lth ltt ltz
lve lz m mb ml mm mn mp mpf mph mpt ms n nc nch nck nct nd ndl ndt nf nff nft ng ngg ngh ngth nh nk nn ns nsk
nst nt nth ntz nx nz nzl p pf ph pp ps pt pth q r rb rc rch rck rd rdt rf rff rg rk rkt rl rld rm rn rnd rnst
rnt rp rph rr rs rsh rst rt rth rtt rtz rv rx rz s sc sch sh sk sm sp ss st sz t tch th tl ts tt tz v vs w wd wk
wl wn ws wt x xt xx y ys z zz
"""

DOMAINS: Final = frozenset(_DOMAINS.split())
SAID_DOMAINS: Final = frozenset({"com", "org", "net", "gov", "mil", "int", "dev", "app", "info", "biz"})
"""Endings of hosts that are said as a word; the others are said by their letters."""

ONSETS: Final = frozenset(_ONSETS.split())
CODAS: Final = frozenset(_CODAS.split())
"""Consonants as words begin and end with, the s of a plural aside; others tell a short word said by its letters."""

_SOUNDS = """
zero Z IH R OW|Z IY R OW, oh OW, one W AH N, two T UW, three TH R IY, four F AO R, five F AY V, six S IH K S,
seven S EH V AH N, eight EY T, nine N AY N, ten T EH N, eleven IH L EH V AH N, twelve T W EH L V,
thirteen TH ER T IY N, fourteen F AO R T IY N, fifteen F IH F T IY N, sixteen S IH K S T IY N,
seventeen S EH V AH N T IY N, eighteen EY T IY N, nineteen N AY N T IY N, twenty T W EH N T IY|T W EH N IY,
thirty TH ER T IY, forty F AO R T IY, fifty F IH F T IY, sixty S IH K S T IY, seventy S EH V AH N T IY,
eighty EY T IY, ninety N AY N T IY, hundred HH AH N D R AH D, thousand TH AW Z AH N D, million M IH L Y AH N,
billion B IH L Y AH N, trillion T R IH L Y AH N, first F ER S T, second S EH K AH N D, third TH ER D, fourth F AO R TH,
fifth F IH F TH, sixth S IH K S TH, seventh S EH V AH N TH, eighth EY T TH, ninth N AY N TH, tenth T EH N TH,
half HH AE F, quarter K W AO R T ER, point P OY N T, dot D AA T, slash S L AE SH, dash D AE SH, minus M AY N AH S,
plus P L AH S, percent P ER S EH N T, dollars D AA L ER Z, dollar D AA L ER, euros Y UH R OW Z, euro Y UH R OW,
pounds P AW N D Z, pound P AW N D, cents S EH N T S, cent S EH N T, at AE T, and AE N D, a AH, the DH AH, of AH V,
to T UW, o'clock AH K L AA K
"""

SOUNDS: Final = {
    word: tuple(sounds.split("|"))
    for word, _, sounds in (entry.strip().partition(" ") for entry in " ".join(_SOUNDS.split()).split(","))
}
"""The words that numbers and signs turn into, as ARPAbet, the likeliest first. All other words are guessed."""
