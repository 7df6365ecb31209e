"""The figures of a trained variant, and its other content of the report's page.

`table` lists the figures and their conditions, `page_content` writes the other content, `section`
stores it in files, and `plots` draws arrays.
"""
