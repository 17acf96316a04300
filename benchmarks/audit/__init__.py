"""Whole audits: what the stopping rule costs and how often it is wrong, over all dimensions together."""
