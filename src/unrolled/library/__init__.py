"""The knowledge base: entries, bibliography, statements, evidence, checks and citing. Imports no torch."""
