"""Names of files and folders as text: for tables, and as one line for the screen."""

import unicodedata

# Control characters, surrogates, and separators of lines and paragraphs.
ESCAPED_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")


def printable(name: str) -> str:
    r"""Return a name as one line for the screen: `as_text`, with `\n` for a newline."""
    return _escaped(name, ESCAPED_CATEGORIES)


def as_text(name: str) -> str:
    r"""Return the system's own name as valid Unicode: `\xe9` for a byte that is not UTF-8."""
    return _escaped(name, ("Cs",))


def _escaped(name: str, categories: tuple[str, ...]) -> str:
    """Return a name with an escape code for each character of Unicode's `categories`."""
    stored = "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in categories
        and not "\udc80" <= character <= "\udcff"  # a byte that Python could not decode
        else character
        for character in name
    )
    return stored.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
