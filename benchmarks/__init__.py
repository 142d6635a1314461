"""Speed of the models, as ratios in one run: against torch's fused layer, and against a textbook loop."""
