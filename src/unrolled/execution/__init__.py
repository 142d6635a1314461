"""Chapters as runs: execution by papermill, keys, staleness, and what a notebook itself calls."""
