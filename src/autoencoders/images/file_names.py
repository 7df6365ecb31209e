"""Names of files and folders as printable text."""

import unicodedata

# Control characters, surrogates, and separators of lines and paragraphs.
ESCAPED_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")


def printable(name: str) -> str:
    r"""Return a name as one line of text: `\xe9` for a byte that is not UTF-8, `\n` for a newline.

    The text is in Unicode's form NFC, because systems store the same name in different forms.
    """
    stored = "".join(map(_escape, name)).encode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFC", stored.decode("utf-8", "backslashreplace"))


def _escape(character: str) -> str:
    """Return a character, escaped if it cannot be printed; `printable` handles undecoded bytes."""
    if "\udc80" <= character <= "\udcff":  # a byte that Python could not decode
        return character
    if unicodedata.category(character) in ESCAPED_CATEGORIES:
        return character.encode("unicode_escape").decode("ascii")
    return character
