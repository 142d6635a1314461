"""Recurrent Models of Visual Attention (Mnih et al., 2014)."""
