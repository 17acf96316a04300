"""Readers that turn a run into something to read: the results object, a table, Markdown."""
