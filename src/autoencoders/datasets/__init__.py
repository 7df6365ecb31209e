"""Where images come from, until they are packed."""
