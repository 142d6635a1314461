"""Deep Knowledge Tracing (Piech et al., 2015)."""
