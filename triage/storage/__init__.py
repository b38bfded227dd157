"""What survives a restart: tables, the database behind them, and one file of queries a subject.

``database`` opens it and commits, ``workspace`` scopes every query, ``schema`` names the tables, ``migrations`` changes them.
"""
