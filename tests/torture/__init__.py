"""Drains while things break; see torture.py."""
