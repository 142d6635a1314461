"""The book as pages: the Sphinx extension with cards, chips, claim tables, ledger and indexes."""
