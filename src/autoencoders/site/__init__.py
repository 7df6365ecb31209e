"""A folder with a page on which trained networks run in the visitor's browser."""
