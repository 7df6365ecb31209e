"""Serve a trained variant as a web page and over HTTP."""
