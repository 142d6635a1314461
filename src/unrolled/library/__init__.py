"""The knowledge base: entries, bibliography, claims, evidence, checks and citing. Imports no torch."""
