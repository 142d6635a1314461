"""The tutorial on variational auto-encoders, and its conditional model."""
