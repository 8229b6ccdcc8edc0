"""Writes every generated document from where its facts stand."""
