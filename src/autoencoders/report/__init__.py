"""The report: all results as tables, and as a page from its template."""
