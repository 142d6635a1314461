"""What a killed process runs. Importing it trains a little, so that a forked child trains at once: torch and
Fabric import much on first use, and a kill should strike training."""

import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.training.fit import fit
from unrolled.training.store import RunStore

CONFIG = TinyConfig(updates=800, checkpoint_every=4, evaluate_every=30)

torch.set_num_threads(1)
fit(TinyExperiment(TinyConfig(updates=2)), command="warm-up")


def train(root):
    """Train one run to its end."""
    return fit(TinyExperiment(CONFIG), store=RunStore(root), command="test")
