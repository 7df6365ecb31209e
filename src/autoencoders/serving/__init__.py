"""A trained variant behind a page for people and HTTP for programs."""
