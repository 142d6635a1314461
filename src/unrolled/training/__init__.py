"""Training: profiles, the fit loop, checkpoints and the run store."""
