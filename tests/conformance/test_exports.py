"""Models that leave eager Python: torch.export, ONNX with any batch, torch.compile."""

import pytest
import torch
from support import Called, build, close, examples, gradients, models, possible, trained, weighted

pytestmark = pytest.mark.slow


def dynamic(model):
    """Shapes of which only the batch's size is left open."""
    batch = torch.export.Dim("batch", min=1, max=64)
    return {"inputs": tuple({given.batch_axis: batch} for given in model.inputs)}


@models("export")
def test_an_exported_model_is_called_with_gradients_and_another_batch(model):
    module = build(model).eval()
    with possible(model, "export"):
        program = torch.export.export(
            Called(model, module), tuple(examples(model)), dynamic_shapes=dynamic(model)
        ).module()
        inputs = [x.requires_grad_(x.is_floating_point()) for x in examples(model, batch=5)]
        outputs = program(*inputs)
        expected = gradients(model, module, inputs)
        close(outputs, Called(model, module)(*inputs))
        by = {name.removeprefix("module."): part for name, part in trained(program).items()}
        by |= {str(place): x for place, x in enumerate(inputs) if x.requires_grad}
        found = torch.autograd.grad(
            weighted(outputs), list(by.values()), allow_unused=True, materialize_grads=True
        )
        close(dict(zip(by, found, strict=True)), {name: expected[name] for name in by})


@models("onnx")
def test_an_onnx_file_takes_any_batch(model, tmp_path):
    import onnxruntime

    called = Called(model, build(model, torch.float32).eval()).eval()
    file = tmp_path / "model.onnx"
    with possible(model, "onnx"):
        with torch.no_grad():
            program = torch.onnx.export(
                called,
                tuple(examples(model, dtype=torch.float32)),
                dynamo=True,
                external_data=False,
                verbose=False,
                dynamic_shapes=dynamic(model),
            )
        program.save(file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        inputs = examples(model, batch=5, dtype=torch.float32)
        named = zip(session.get_inputs(), inputs, strict=True)
        found = session.run(None, {given.name: value.numpy() for given, value in named})
        expected = [part.detach() for part in called(*inputs)]
        close([torch.from_numpy(part) for part in found], expected, rtol=1e-4, atol=1e-5)


@models("compile")
def test_a_compiled_model_is_the_eager_one(model):
    module, inputs = build(model), examples(model)
    called = Called(model, module)
    with possible(model, "compile"):
        compiled = torch.compile(called)
        found = {name.removeprefix("module."): part for name, part in trained(called).items()}
        torch.default_generator.manual_seed(5)
        parts = torch.autograd.grad(
            weighted(compiled(*inputs)), list(found.values()), allow_unused=True, materialize_grads=True
        )
        expected = gradients(model, module, inputs)
        close(dict(zip(found, parts, strict=True)), {name: expected[name] for name in found})
