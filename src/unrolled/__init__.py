"""Recurrent networks, paper by paper: paper, equation, code, oracle, claim and evidence in one chain."""

__version__ = "0.1.0"
