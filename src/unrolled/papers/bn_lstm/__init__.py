"""Recurrent Batch Normalization (Cooijmans et al., 2017)."""
