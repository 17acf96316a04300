"""Audit a pair of hosted models: did the reasoning model keep its baseline's alignment?"""

__version__ = "0.1.0"
