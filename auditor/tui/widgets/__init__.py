"""Widgets that draw line by line, so that size costs nothing."""
