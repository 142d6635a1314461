"""The recurrent attention model: shapes, where gradients flow, and what every option does."""

import pytest
import torch

from unrolled.base.errors import UsageError
from unrolled.nn.scan import ShapeError
from unrolled.papers.ram.learning import hybrid_loss, reinforce
from unrolled.papers.ram.model import RAM, location_log_prob
from unrolled.papers.ram.retina import fixation, look, pyramid, retina


@pytest.fixture
def images():
    return torch.rand(4, 12, 14, generator=torch.Generator().manual_seed(1))


def small(**options):
    return RAM(4, 2, reach=5.0, hidden_size=16, features=(8, 8, 16), **options)


@pytest.mark.parametrize(("size", "scales"), [(1, 1), (4, 1), (4, 3), (5, 2)])
def test_retina_gives_k_times_g_squared_numbers(images, size, scales):
    assert retina(images, torch.zeros(4, 2), size, scales).shape == (4, scales * size**2)


def test_outside_of_the_image_is_zero(images):
    assert not retina(images, torch.full((4, 2), 1.0), 4, 3, reach=40.0).any()
    corner = retina(images, torch.full((4, 2), -1.0), 4, 1, reach=100.0)
    assert not corner.any()


def test_finest_patch_is_a_crop(images):
    patch = retina(images, torch.tensor([[0.0, 0.0]] * 4), 4, 1).view(4, 4, 4)
    assert torch.equal(patch, images[:, 4:8, 5:9])


def test_a_glimpse_moves_with_whole_pixels(images):
    wide = torch.zeros(4, 40, 40)
    wide[:, 8:20, 9:23] = images
    for shift in range(-3, 4):
        moved = wide.roll((shift, 2 * shift), dims=(1, 2))
        here = torch.tensor([[-0.3, -0.2]] * 4)
        there = here + torch.tensor([shift, 2 * shift]) / 20
        assert torch.equal(retina(wide, here, 4, 3), retina(moved, there, 4, 3))


def test_locations_are_rounded_to_pixels_the_same_way_everywhere():
    location = torch.tensor([[-0.5 / 10, 0.5 / 10], [0.51 / 10, 1.49 / 10]])
    assert fixation(location, 20, 20, 10.0).tolist() == [[10, 11], [11, 11]]


def test_pyramid_keeps_the_mass_of_the_image(images):
    for j, level in enumerate(pyramid(images, 3)):
        torch.testing.assert_close(level.sum((1, 2)), images.sum((1, 2)))
        assert level.shape == (4, 12 + 2**j + 1, 14 + 2**j + 1)


def test_a_roll_sees_what_the_retina_sees(images):
    location = torch.rand(len(images), 2) * 2 - 1
    fixations = fixation(location, *images.shape[1:], 6.0)
    seen = look(pyramid(images, 3), fixations, 4)
    assert torch.equal(seen, retina(images, location, 4, 3, reach=6.0))


@pytest.mark.parametrize("core", ["rectified", "lstm"])
@pytest.mark.parametrize(("start", "chosen"), [("random", 2), ("centre", 2), ("learned", 3)])
def test_rollout_shapes(images, core, start, chosen):
    rollout = small(core=core, start=start)(images, glimpses=3)
    assert rollout.log_probs.shape == (4, 10)
    torch.testing.assert_close(rollout.log_probs.exp().sum(1), torch.ones(4))
    assert rollout.locations.shape == (3, 4, 2)
    assert rollout.log_prob.shape == rollout.baseline.shape == (chosen, 4)
    assert rollout.locations.abs().max() <= 1


def test_one_glimpse_has_nothing_to_choose(images):
    loss = hybrid_loss(small()(images, 1), torch.arange(4))
    assert loss.location == loss.baseline == 0.0


def test_cross_entropy_reaches_all_but_location_and_baseline(images):
    model = small()
    hybrid_loss(model(images, 3), torch.arange(4)).classification.backward()
    untouched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is None}
    assert untouched == {"location", "baseline"}


def test_reinforce_reaches_the_location_network_alone(images):
    model = small()
    hybrid_loss(model(images, 3), torch.arange(4)).location.backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert touched == {"location"}


def test_reinforce_reaches_the_core_where_it_may(images):
    model = small(through_core=True)
    hybrid_loss(model(images, 3), torch.arange(4)).location.backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert touched == {"location", "core", "glimpse"}


def test_squared_error_reaches_the_baseline_alone(images):
    model = small()
    hybrid_loss(model(images, 3), torch.arange(4)).baseline.backward()
    touched = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert touched == {"baseline"}


def test_log_prob_belongs_to_the_sample_before_clamping(images):
    model = small(location_std=3.0, start="learned")
    rollout = model(images, 2)
    assert (rollout.locations.abs() == 1).any()
    seen = location_log_prob(rollout.locations[1], model.mean(rollout.hidden[0]), 3.0)
    clamped = (rollout.locations[1].abs() == 1).any(-1)
    assert torch.allclose(seen[~clamped], rollout.log_prob[1][~clamped], atol=1e-5)
    assert (seen[clamped] > rollout.log_prob[1][clamped]).all()


def test_evaluation_looks_at_the_mean(images):
    model = small(start="centre").eval()
    first, second = model(images, 3), model(images, 3)
    assert torch.equal(first.locations, second.locations)
    torch.testing.assert_close(first.locations[1], model.mean(first.hidden[0]).clamp(-1, 1))


def test_training_draws_locations_with_the_given_deviation(images):
    model = small(start="centre", location_std=0.05)
    rollout = model(images[:1].expand(4000, -1, -1), 2)
    deviation = rollout.locations[1].std(0)
    torch.testing.assert_close(deviation, torch.full((2,), 0.05), rtol=0.05, atol=0)


@pytest.mark.parametrize("policy", ["random", "centre"])
def test_replaced_policies_ignore_the_image(images, policy):
    model = small(policy=policy, start="random" if policy == "random" else "centre")
    torch.manual_seed(3)
    first = model(images, 3).locations
    torch.manual_seed(3)
    assert torch.equal(first, model(1 - images, 3).locations)
    assert bool(first.any()) == (policy == "random")


def test_no_baseline_is_a_baseline_of_zero():
    log_prob, reward = torch.randn(3, 5), torch.rand(5)
    torch.testing.assert_close(
        reinforce(log_prob, reward), reinforce(log_prob, reward, torch.zeros(3, 5)), rtol=0, atol=0
    )


def test_a_deviation_of_zero_is_told():
    with pytest.raises(UsageError, match=r"location_std is 0\.0"):
        small(location_std=0.0)


def test_bad_sizes_are_told(images):
    with pytest.raises(UsageError, match="glimpse_size is 0"):
        retina(images, torch.zeros(4, 2), 0)
    with pytest.raises(ShapeError):
        small()(images, 0)
