"""Auto-Encoding Variational Bayes (Kingma and Welling, 2014)."""
