"""What a demo writes for the book: a trace that fits a page, and graphs that compute what torch computes."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from unrolled.base import keys, paths
from unrolled.base.errors import UnrolledError
from unrolled.demos import Demo, Graph, Prompt
from unrolled.demos.__main__ import LARGEST, exact, export, stored, write
from unrolled.demos.picture import LEVELS, heat, level

SLUGS = sorted(path.parent.name for path in (paths.sources() / "papers").glob("*/demo.py"))


class Sum(nn.Module):
    """A state to which an input is added."""

    outputs = ("total", "half")

    def forward(self, x: Tensor, total: Tensor):
        return total + x, x / 2


def small(**changes: object) -> Demo:
    """A demo of nothing but a sum."""
    graph = Graph(Sum(), {"x": torch.ones(1, 2), "total": torch.zeros(1, 2)})
    prompts = [Prompt(f"Try {i}", "Notice <this>", {"x": i}) for i in range(3)]
    demo = Demo(
        title="Sum",
        lead="It adds.",
        stage=heat("cells", {"write": torch.eye(2)}),
        caption="Two cells.",
        prompts=prompts,
        graphs={"step": graph},
        trace={"values": torch.linspace(-1, 3, 7)},
        live={"state": {"total": torch.tensor([1e-6, 1 / 3])}},
    )
    return replace(demo, **changes)


def runs(file: Path, graph: Graph, inputs: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """The outputs of an exported graph, by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [f"{name}_out" for name in graph.outputs]
    found = session.run(names, {name: value.numpy() for name, value in inputs.items()})
    return dict(zip(graph.outputs, found, strict=True))


def test_a_state_is_fed_back_step_by_step():
    x = torch.arange(6.0).view(3, 2)
    found = small().graphs["step"].unrolled({"total": torch.zeros(1, 2)}, x=x)
    assert torch.equal(found["total"], x.cumsum(0))
    assert torch.equal(found["half"], x / 2)


def test_a_stored_tensor_is_within_half_a_step_and_a_live_one_exact():
    values = torch.randn(3, 50)
    packed = stored(values)
    steps = np.frombuffer(base64.b64decode(packed["u1"]), np.uint8).reshape(packed["shape"])
    span = packed["high"] - packed["low"]
    assert np.abs(packed["low"] + steps / 255 * span - values.numpy()).max() <= span / 510 * 1.001
    assert stored(torch.ones(4))["u1"] == base64.b64encode(bytes(4)).decode()  # no span at all
    live = np.frombuffer(base64.b64decode(exact(values)["f4"]), np.float32)
    assert np.array_equal(live.reshape(3, 50), values.numpy())


def test_a_map_draws_cells_side_by_side_as_one():
    html = heat("bits", {"write": torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.5, 0.01]])})
    assert 'viewBox="0 0 3 2"' in html
    assert 'fill-opacity="1" d="M0 0h2v1h-2z"' in html
    assert 'fill-opacity="0.5" d="M1 1h1v1h-1z"' in html
    assert html.count("M") == 2
    assert [level(v) for v in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [0, 0, LEVELS // 2, LEVELS, LEVELS]


@pytest.mark.slow
def test_the_page_and_its_files_are_written(tmp_path: Path):
    demo = small()
    page = write(demo, tmp_path)
    assert page == json.loads((tmp_path / "page.json").read_text(encoding="utf-8"))
    assert page["graphs"] == ["step"]
    assert page["prompts"][1] == {"label": "Try 1", "notice": "Notice <this>", "input": {"x": 1}}
    assert "state" in json.loads((tmp_path / "live.json").read_text(encoding="utf-8"))
    inputs = {"x": torch.tensor([[1.0, -2.0]]), "total": torch.tensor([[0.5, 0.25]])}
    found = runs(tmp_path / "step.onnx", demo.graphs["step"], inputs)
    assert found["total"].tolist() == [[1.5, -1.75]]


def test_without_the_packages_of_onnx_the_page_is_written_alone(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("unrolled.demos.__main__.find_spec", lambda name: None)
    assert write(small(), tmp_path)["graphs"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["page.json"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trace": {"values": torch.rand(LARGEST)}}, "the trace has"),
        ({"prompts": [Prompt("Try", "Notice", {})] * 2}, "2 prompts"),
    ],
)
def test_a_page_takes_no_large_trace_and_not_too_few_prompts(tmp_path: Path, changes, said):
    with pytest.raises(UnrolledError, match=said):
        write(small(**changes), tmp_path)


def test_no_training_depends_on_a_demo():
    experiments = [
        f"unrolled.papers.{path.parent.name}.experiment"
        for path in paths.sources().glob("papers/*/experiment.py")
    ]
    assert experiments
    modules = keys.closure([*experiments, "unrolled.training.fit"])
    assert not [name for name in modules if name.startswith("unrolled.demos") or name.endswith(".demo")]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_what_the_browser_runs_is_what_torch_computes(slug: str, tmp_path: Path):
    demo = import_module(f"unrolled.papers.{slug}.demo").demo()
    for name, graph in demo.graphs.items():
        file = tmp_path / f"{name}.onnx"
        export(graph, file)
        inputs = dict(graph.inputs)
        for step in range(3):  # from the example, and from states that came out
            found, wanted = runs(file, graph, inputs), graph(**inputs)
            for part, value in wanted.items():
                assert np.abs(found[part] - value.numpy()).max() <= 1e-5, (name, step, part)
            inputs |= {part: value for part, value in wanted.items() if part in inputs}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_trace_fits_a_page(slug: str):
    demo = import_module(f"unrolled.papers.{slug}.demo").demo()
    assert len(json.dumps(demo.trace, default=stored, separators=(",", ":"))) < LARGEST
    assert 3 <= len(demo.prompts) <= 5
