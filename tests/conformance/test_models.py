"""What every public model does, or refuses in one line: types, transforms, copies, sizes and options."""

import copy
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import torch
from registry import HELPERS, MODELS, TRAINING
from support import (
    BATCH,
    Called,
    build,
    call,
    close,
    examples,
    gradients,
    models,
    possible,
    trained,
    weighted,
)
from torch.func import functional_call, grad, stack_module_state, vmap

from unrolled.base.errors import UnrolledError, UsageError
from unrolled.nn.checks import ShapeError
from unrolled.papers.vae.model import VAE


@models("float64")
def test_float64_agrees_with_float32(model):
    with possible(model, "float64"):
        wide, narrow = build(model), build(model, torch.float32)
        ours = call(model, wide, examples(model))
        assert all(part.dtype is torch.float64 for part in ours)
        close(call(model, narrow, examples(model, dtype=torch.float32)), ours, rtol=1e-3, atol=1e-3)
        assert all(part.isfinite().all() for part in gradients(model, wide, examples(model)).values())


@models("bfloat16")
def test_plain_bfloat16_is_near_float32(model):
    with possible(model, "bfloat16"):
        module = build(model, torch.bfloat16)
        inputs = examples(model, dtype=torch.bfloat16)
        close(call(model, module, inputs), call(model, build(model), examples(model)), rtol=0.2, atol=0.2)
        found = gradients(model, module, inputs)
        assert all(part.isfinite().all() and part.dtype is torch.bfloat16 for part in found.values())


@models("autocast")
def test_autocast_to_bfloat16_is_near_float32(model):
    with possible(model, "autocast"):
        module, inputs = build(model, torch.float32), examples(model, dtype=torch.float32)
        expected = call(model, module, inputs)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            ours = call(model, module, inputs)
            found = gradients(model, module, inputs)
        close(ours, expected, rtol=0.2, atol=0.2)
        assert all(part.isfinite().all() and part.dtype is torch.float32 for part in found.values())


@models("float16")
def test_float16_is_finite(model):
    with possible(model, "float16"):
        outputs = call(model, build(model, torch.float16), examples(model, dtype=torch.float16))
        assert all(part.isfinite().all() for part in outputs)


@models("func")
def test_gradients_of_torch_func_are_those_of_autograd(model):
    module, inputs = build(model), examples(model)
    expected = gradients(model, module, inputs)
    called = Called(model, module)

    def loss(parameters):
        torch.default_generator.manual_seed(5)
        return weighted(functional_call(called, parameters, tuple(inputs)))

    with possible(model, "func"):
        found = grad(loss)({f"module.{name}": part.detach() for name, part in trained(module).items()})
        close(found, {name: expected[name.removeprefix("module.")] for name in found})


@models("vmap")
def test_several_models_run_at_once_with_the_gradients_of_each(model):
    several = [Called(model, build(model, seed=seed).eval()) for seed in (1, 2)]
    inputs = tuple(examples(model))
    lengths = {"lengths": torch.tensor([model.longest, model.shortest, model.longest - 2])}

    for padding in ({}, lengths) if model.has("lengths") else ({},):

        def one(parameters, buffers, padding=padding):
            return functional_call(several[0], (parameters, buffers), inputs, padding)

        with possible(model, "vmap"):
            parameters, buffers = stack_module_state(several)
            ours = vmap(one)(parameters, buffers)
            sum(weighted(tuple(part[index] for part in ours)) for index in range(2)).backward()
            for index, called in enumerate(several):
                close(tuple(part[index] for part in ours), called(*inputs, **padding))
                expected = gradients(model, called.module, list(inputs), **padding)
                for name in trained(called.module):
                    found = parameters[f"module.{name}"].grad
                    close(expected[name] * 0 if found is None else found[index], expected[name], rtol=1e-9)


@models("second derivatives")
@pytest.mark.parametrize("path", ["autograd", "torch.func"])
def test_gradients_of_gradients_are_those_of_finite_differences(model, path):
    module, inputs = build(model), examples(model)
    called = Called(model, module)
    point = {f"module.{name}": part.detach() for name, part in trained(module).items()}
    reals = {str(place): x for place, x in enumerate(inputs) if x.is_floating_point()}
    point |= reals
    generator = torch.Generator().manual_seed(3)
    direction = {
        name: torch.randn(part.shape, dtype=part.dtype, generator=generator) for name, part in point.items()
    }

    def loss(values):
        torch.default_generator.manual_seed(5)
        given = tuple(values.get(str(place), x) for place, x in enumerate(inputs))
        return weighted(functional_call(called, {k: v for k, v in values.items() if k not in reals}, given))

    def first(values, **options):
        leaves = {name: part.detach().requires_grad_() for name, part in values.items()}
        found = torch.autograd.grad(
            loss(leaves), list(leaves.values()), allow_unused=True, materialize_grads=True, **options
        )
        return leaves, dict(zip(leaves, found, strict=True))

    def along(found):
        return sum((found[name] * part).sum() for name, part in direction.items())

    size = 1e-5
    ahead, behind = (
        first({name: part + sign * size * direction[name] for name, part in point.items()})[1]
        for sign in (1, -1)
    )
    expected = {name: (ahead[name] - behind[name]) / (2 * size) for name in point}
    with possible(model, "second derivatives"):
        if path == "torch.func":
            ours = grad(lambda values: along(grad(loss)(values)))(point)
        else:
            leaves, found = first(point, create_graph=True)
            total = along(found)
            parts = torch.autograd.grad(
                total, list(leaves.values()), allow_unused=True, materialize_grads=True
            )
            ours = dict(zip(leaves, parts, strict=True))
        close(ours, expected, rtol=1e-4, atol=1e-5)


@models("deepcopy")
def test_a_copy_is_equal_and_independent(model):
    module, inputs = build(model), examples(model)
    gradients(model, module, inputs)  # what a step leaves behind must not stand in the way
    other, expected = copy.deepcopy(module), call(model, module.eval(), inputs)
    close(call(model, other.eval(), inputs), expected, rtol=0, atol=0)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1)
    close(call(model, module, inputs), expected, rtol=0, atol=0)


@models("meta")
def test_a_model_made_without_memory_takes_a_state(model):
    source, inputs = build(model, torch.float32), examples(model, dtype=torch.float32)
    with torch.device("meta"):
        module = model.make()
    module.to_empty(device="cpu")
    for part in (*module.parameters(), *module.buffers()):  # what a state does not fill must not go unseen
        part.data.fill_(torch.nan if part.is_floating_point() else 1)
    module.load_state_dict(source.state_dict())
    close(call(model, module, inputs), call(model, source, inputs), rtol=0, atol=0)


@models("state dict")
@pytest.mark.parametrize("training", [True, False])
def test_what_shapes_the_output_is_in_the_state(model, training):
    module, other, inputs = build(model), build(model, seed=9), examples(model)
    call(model, module, inputs)
    other.load_state_dict(copy.deepcopy(module.state_dict()))
    ours = call(model, other.train(training), inputs)
    close(ours, call(model, module.train(training), inputs), rtol=0, atol=0)


@models("options")
def test_unknown_options_are_refused_with_near_names(model):
    module, inputs = build(model), examples(model)
    for takes, function in (
        (model.make.func.__init__, model.make),
        (model.run, lambda **options: model.run(module, *inputs, **options)),
    ):
        for name, hint in get_type_hints(takes).items():
            if hint is not str and get_origin(hint) is not Literal:
                continue
            assert get_args(hint), f"{takes.__qualname__}({name}: str) says nowhere what there is"
            for value in get_args(hint):
                wrong = value[:-2] + value[-1] + value[-2] if len(value) > 3 else value.swapcase()
                with pytest.raises(UsageError, match=f"'{wrong}'.*{value}"):
                    function(**{name: wrong})


@models("indices")
def test_indices_out_of_range_are_refused(model):
    module = build(model).eval()
    for place, given in enumerate(model.inputs):
        if given.count is None:
            continue
        for wrong in (given.low - 1, given.low + given.count):
            inputs = examples(model)
            inputs[place].flatten()[-1] = wrong
            inputs[place].view(-1)[-1] = wrong
            with pytest.raises(UnrolledError, match=str(wrong)):
                call(model, module, inputs)


def test_noise_without_its_samples_is_refused():
    x = torch.rand(3, 6)
    with pytest.raises(ShapeError, match=r"\[samples, 3, 2\], not \[3, 2\]"):
        VAE(6, 2, (4,)).bound(x, torch.randn(3, 2))


@models("empty batch")
@pytest.mark.parametrize("training", [True, False])
def test_an_empty_batch_gives_nothing(model, training):
    module = build(model).train(training)
    with possible(model, "empty batch in training" if training else "empty batch"):
        outputs = call(model, module, examples(model, batch=0))
        assert all(len(part) == 0 for part in outputs)
        assert not any(part.any() for part in gradients(model, module, examples(model, batch=0)).values())


@models("batch of one")
@pytest.mark.parametrize("training", [True, False])
def test_a_batch_of_one_is_a_row_of_a_larger_one(model, training):
    module, inputs = build(model).train(training), examples(model)
    if training:  # what is drawn differs with the batch
        with possible(model, "batch of one in training"):
            assert all(len(part) == 1 for part in call(model, module, examples(model, batch=1)))
        return
    whole = call(model, module, inputs)
    for row in range(BATCH):
        pairs = zip(inputs, model.inputs, strict=True)
        one = call(model, module, [x.narrow(given.batch_axis, row, 1) for x, given in pairs])
        close(one, tuple(part[row : row + 1] for part in whole))


def test_every_public_model_is_here():
    import importlib
    import inspect
    import pkgutil

    import unrolled.nn
    import unrolled.papers

    known = {model.make.func for model in MODELS} | HELPERS
    missing = []
    for package in (unrolled.nn, unrolled.papers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.rpartition(".")[2] in TRAINING:
                continue
            module = importlib.import_module(found.name)
            for name, one in inspect.getmembers(module, inspect.isclass):
                public = one.__module__ == found.name and not name.startswith("_")
                if public and issubclass(one, torch.nn.Module) and one not in known:
                    missing.append(f"{found.name}.{name}")
    assert not missing, f"not in tests/conformance/registry.py: {', '.join(missing)}"
