"""A trained variant's figures, and what the report's page has of it beside them.

`table` says which figures there are, when they fit, and how they are drawn; `section` is what the
page is made of; `plots` draws arrays.
"""
