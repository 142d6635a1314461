"""Data sets: generated, embedded, and real ones through a registry of pinned files."""
