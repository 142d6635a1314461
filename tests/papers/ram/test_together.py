"""Several seeds trained as one program do what each would do alone."""

import pytest
import torch
from torch.func import functional_call

from unrolled.papers.ram.model import RAM
from unrolled.papers.ram.together import errors_of, rollouts, train_together


def small():
    return RAM(2, reach=4.0, hidden_size=8, features=(4, 4, 8), start="centre")


@pytest.fixture(scope="module")
def data():
    draw = torch.Generator().manual_seed(0)
    images, labels = torch.rand(3, 40, 4, 4, generator=draw), torch.randint(10, (3, 40), generator=draw)
    return (images, labels), (torch.rand(3, 20, 9, 9, generator=draw), labels[:, :20])


@pytest.fixture(scope="module")
def trained(data):
    sizes = {"size": 9, "glimpses": 2, "updates": 4, "batch_size": 8, "learning_rate": 1e-2, "evaluations": 2}
    return train_together(small, range(3), *data, **sizes)


def test_each_seed_starts_from_its_own_weights(trained):
    weight = trained.parameters["core.W_h"]
    assert weight.shape == (3, 8, 8)
    assert not torch.equal(weight[0], weight[1])


def test_training_moves_every_parameter(trained):
    for seed in range(3):
        torch.manual_seed(seed)
        for name, fresh in small().named_parameters():
            assert not torch.equal(fresh, trained.parameters[name][seed]), name


def test_rollouts_are_those_of_each_model_alone(trained, data):
    _, (images, _) = data
    together = rollouts(trained.model, trained.parameters, images, 3)
    for seed in range(3):
        model = small().eval()
        weights = {name: value[seed] for name, value in trained.parameters.items()}
        alone = functional_call(model, weights, (images[seed], 3))
        torch.testing.assert_close(together.log_probs[seed], alone.log_probs)
        torch.testing.assert_close(together.locations[seed], alone.locations)


def test_errors_are_counted_for_each_seed(trained, data):
    _, valid = data
    assert trained.updates == [2, 4]
    torch.testing.assert_close(errors_of(trained.model, trained.parameters, valid, 2), trained.errors[-1])
    right = rollouts(trained.model, trained.parameters, valid[0], 2).log_probs.argmax(-1)
    assert not errors_of(trained.model, trained.parameters, (valid[0], right), 2).any()


def test_seeds_draw_different_locations(trained, data):
    _, (images, _) = data
    same = images[:1].expand(3, -1, -1, -1)
    weights = {name: value[:1].expand_as(value) for name, value in trained.parameters.items()}
    locations = rollouts(trained.model, weights, same, 2, sample=True).locations
    assert not torch.equal(locations[0], locations[1])
