"""espeak-ng's phone mnemonics as phones of English.

espeak-ng names what it says with its own mnemonics, some of them two phones at once (``A@`` in "car" is ``AA R``).
The targets are CMUdict's broad and rhotic ones, whatever the accent says: "car" keeps its R in an accent without it, a
flapped T stays T, "thing" with a dental stop keeps TH. A query is spelt from CMUdict, so this is the symbol that it
will ask for.

Source: phsource/ph_english and its accents in espeak-ng 1.51, and the mnemonics that 12,000 words of text gave.
"""

from __future__ import annotations

from ..phones import phone_ids

SILENCES = frozenset({"_", "_:", "_!", "_|", "_::", "", "?!"})
"""Pauses of every length. They have no phone."""

MODIFIERS = frozenset({";", "_^_", "'", ",", "%", "=", "||", "|", "-", "_-"})
"""Marks that change the phone before them (``;`` is palatalisation) or carry stress; their time is that phone's."""

_PHONES = {
    # vowels
    "0": "AA", "0#": "AH", "02": "AA", "A": "AA", "A#": "AA", "A:": "AA", "A2": "AA", "VA": "AH",
    "a": "AE", "aa": "AE", "a2": "AE", "a:": "AE", "&": "AE", "&:": "AE", "a#": "AH",
    "@": "AH", "@2": "AH", "@5": "AH", "@-": "AH", "@#": "AH", "@:": "AH", "@1": "AH", "@4": "AH", "V": "AH",
    "V2": "AH", "V#": "AH", "Y": "UH",
    "3": "ER", "3:": "ER", "3#": "ER", "VR": "ER", "IR": "ER", "ER": "ER", "@r": "ER",
    "E": "EH", "E2": "EH", "E#": "IH", "e": "EH", "e:": "EY", "e2": "EY", "eI": "EY", "EI": "EY", "e#": "EH",
    "I": "IH", "I2": "IH", "I#": "IH", "I3": "IH", "y": "IH", "i": "IY", "i:": "IY", "i2": "IY", "i#": "IY",
    "O": "AO", "O:": "AO", "O2": "AO", "O#": "AO", "o": "OW", "o:": "OW", "oU": "OW", "oU#": "OW", "o#": "OW",
    "U": "UH", "U2": "UH", "u": "UW", "u:": "UW", "u#": "UW", "u2": "UW",
    "aI": "AY", "aI2": "AY", "AI": "AY", "aU": "AW", "aU2": "AW", "OI": "OY", "oI": "OY", "OI2": "OY",
    # vowels that are two phones
    "A@": "AA R", "A@2": "AA R", "O@": "AO R", "O@2": "AO R", "o@": "AO R", "O@r": "AO R", "e@": "EH R", "e@r": "EH R",
    "i@3": "IH R", "i@r": "IH R", "i@": "IY AH", "i@2": "IY AH", "U@": "UH R", "U@r": "UH R", "aI@": "AY AH",
    "aI3": "AY ER", "aU@": "AW ER", "aU3": "AW ER", "OI@": "OY AH", "oI@": "OY AH",
    "@L": "AH L", "@l": "AH L", "@N": "AH N", "@M": "AH M", "n-": "AH N", "m-": "AH M", "l-": "AH L",
    "A~": "AA N", "O~": "AO N", "E~": "AE N", "W~": "AH N", "O~:": "AO N", "A~:": "AA N",
    # consonants
    "b": "B", "tS": "CH", "d": "D", "d#": "D", "d2": "D", "d[": "DH", "D": "DH", "f": "F", "g": "G", "h": "HH",
    "H": "HH", "dZ": "JH", "k": "K", "x": "K", "C": "HH", "l": "L", "L": "L", "l2": "L", "l^": "L", "l#": "L",
    "m": "M", "n": "N", "n^": "N Y", "N": "NG", "p": "P", "r": "R", "r-": "R", "R": "R", "*": "R", "R2": "R", "r/": "R",
    "s": "S", "s;": "SH", "S": "SH", "t": "T", "t#": "T", "t2": "T", "?": "T", "t[": "TH", "T": "TH", "v": "V",
    "w": "W", "w#": "W", "W": "W", "j": "Y", "z": "Z", "z#": "Z", "z;": "ZH", "Z": "ZH",
}  # fmt: skip

_IDS = {mnemonic: phone_ids(phones) for mnemonic, phones in _PHONES.items()}


def phones_of(mnemonic: str) -> tuple[int, ...] | None:
    """Ids of the phones that a mnemonic stands for: none for a pause or a modifier, and None where it is unknown."""
    if mnemonic in SILENCES or mnemonic in MODIFIERS:
        return ()
    # espeak-ng 1.52 writes the stress of a vowel before it: 'oU.
    return _IDS.get(mnemonic.lstrip("',"))
