"""The contenders of the VRNN's benchmark compute the same thing."""

import torch

from benchmarks import vrnn
from unrolled.papers.vrnn.inference import bound
from unrolled.papers.vrnn.model import VRNN


@torch.no_grad()
def same_weights(textbook, model):
    """Give the textbook loop the model's parameters."""
    pairs = [
        (textbook.from_x, model.x_features),
        (textbook.from_z, model.z_features),
        (textbook.prior, model.prior),
        (textbook.encoder, model.encoder),
        (textbook.decoder, model.decoder),
    ]
    for theirs, ours in pairs:
        for mine, source in zip(theirs.parameters(), ours.parameters(), strict=True):
            mine.copy_(source)
    cell = textbook.cell
    cell.weight_ih.copy_(model.W_x)
    for mine, source in ((cell.weight_hh, model.W_h), (cell.bias_ih, model.b), (cell.bias_hh, 0 * model.b)):
        mine.copy_(source)


def test_textbook_loop_has_the_models_bound(monkeypatch):
    monkeypatch.setattr(vrnn.Normal, "rsample", lambda self: self.mean)
    textbook = vrnn.TextbookVRNN().double()
    sizes = {"hidden_size": vrnn.HIDDEN, "latent_size": vrnn.LATENT, "features": vrnn.HIDDEN}
    model = VRNN(vrnn.INPUT, output="bernoulli", **sizes).double()
    same_weights(textbook, model)
    x = vrnn._rolls(3, 7, device="cpu").double()
    ours = bound(model(x, noise=torch.zeros(3, 7, vrnn.LATENT, dtype=x.dtype)), x).bound.sum()
    torch.testing.assert_close(textbook(x.transpose(0, 1)), ours, rtol=1e-10, atol=1e-10)
    ours.backward()
    textbook(x.transpose(0, 1)).backward()
    torch.testing.assert_close(textbook.cell.weight_hh.grad, model.W_h.grad, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(textbook.prior[0].weight.grad, model.prior.parts[0].weight.grad)
