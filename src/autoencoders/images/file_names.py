"""Names of files and folders as text that any terminal, file and figure can hold."""

import unicodedata

UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, halves of characters, ends of lines and paragraphs


def printable(name: str) -> str:
    r"""Return a name as one line of text: `\xe9` for a byte that is no UTF-8, `\n` for a new line.

    It is also composed (Unicode's NFC), so that a name is the same text from whichever system.
    """
    stored = "".join(map(_shown, name)).encode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", stored.decode("utf-8", "backslashreplace"))


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte of the name that Python could not decode
        return character
    if unicodedata.category(character) in UNSHOWN:
        return character.encode("unicode_escape").decode("ascii")
    return character
