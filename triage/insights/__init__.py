"""Figures of a shop's contacts, computed from columns of numbers; knows no database. Every definition: docs/insights.md.

``frame`` holds the columns, ``types`` the figures, one module a figure; ``intervals``, ``testing`` and ``expected`` are the
statistics behind them.
"""
