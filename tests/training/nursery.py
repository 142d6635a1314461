"""What a killed process runs. Importing it trains a little, so that a forked child trains at once: torch and
Fabric import much on first use, and a kill should strike training."""

import torch
from tiny import EXPERIMENT, TinyConfig

from unrolled.training.fit import fit
from unrolled.training.store import RunStore

CONFIG = TinyConfig(updates=800, checkpoint_every=4, evaluate_every=30)

torch.set_num_threads(1)
fit(EXPERIMENT, TinyConfig(updates=2), seed=0, profile="smoke", command="warm-up")


def train(root):
    """Train one run to its end."""
    return fit(EXPERIMENT, CONFIG, seed=0, profile="smoke", store=RunStore(root), command="test")
