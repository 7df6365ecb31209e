"""The report: a page and its template."""
