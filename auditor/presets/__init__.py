"""Replication presets: what a paper did and reported, as data."""
