"""The update as one CUDA graph does what the update does."""

import logging

import pytest
import torch
from tiny import TinyConfig, TinyExperiment

from unrolled.training.fit import fit
from unrolled.training.graphs import captured
from unrolled.training.trainer import Trainer, isolated_rng, launched

gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
OPTIMISERS = [("adam", ()), ("rmsprop", (("momentum", 0.9),)), ("sgd", (("momentum", 0.9),))]


class Quiet(TinyExperiment):
    """Without dropout: noise is drawn in another order inside a graph."""

    capturable = True

    def batch(self, batch, at):
        return batch

    def loss(self, model, batch, at):
        return torch.nn.functional.cross_entropy(model.last(torch.tanh(model.first(batch[0]))), batch[1])


def test_on_a_cpu_the_update_itself_comes_back():
    with isolated_rng():
        trainer = Trainer(Quiet(TinyConfig(fast=True)), launched("cpu"))
        assert captured(trainer.update, *trainer.next_batch()) is trainer.update


def test_fast_on_a_cpu_trains_as_ever():
    fast = fit(TinyExperiment(TinyConfig(fast=True)))
    assert fast.losses == fit(TinyExperiment(TinyConfig())).losses


def steps(config, count, kind=Quiet):
    with isolated_rng():
        trainer = Trainer(kind(config), launched("cuda"))
        for _ in range(count):
            trainer.step()
        return trainer.update.fetch(), trainer


class TestOnAGPU:
    pytestmark = gpu

    @pytest.mark.parametrize(("optimiser", "options"), OPTIMISERS)
    def test_graph_and_update_agree(self, optimiser, options):
        config = {"optimiser": optimiser, "optimiser_options": options}
        eager, _ = steps(TinyConfig(**config), 30)
        graph, trainer = steps(TinyConfig(**config, fast=True), 30)
        assert trainer.apply is not trainer.update  # it was captured
        torch.testing.assert_close(torch.tensor(graph), torch.tensor(eager), rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(("optimiser", "options"), OPTIMISERS)
    def test_capture_leaves_the_training_where_it_was(self, optimiser, options):
        config = TinyConfig(optimiser=optimiser, optimiser_options=options, fast=True)
        with isolated_rng():
            trainer = Trainer(Quiet(config), launched("cuda"))
            trainer.model.train()
            before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
            generator = torch.cuda.get_rng_state()
            captured(trainer.update, *trainer.next_batch())
            after = trainer.model.state_dict()
            assert all(torch.equal(after[name], value) for name, value in before.items())
            assert all(not value.any() for value in trainer.update.optimiser_state())
            assert torch.equal(torch.cuda.get_rng_state(), generator)
            assert trainer.update.cursor.item() == 0

    def test_captured_run_resumes_to_the_same_numbers(self, store):
        config = TinyConfig(fast=True)
        whole = fit(Quiet(config), device="cuda")
        while not (run := fit(Quiet(config), device="cuda", store=store, minutes=1e-4)).complete:
            pass
        torch.testing.assert_close(torch.tensor(run.losses), torch.tensor(whole.losses), rtol=1e-6, atol=0)

    def test_update_that_looks_at_a_value_falls_back_with_one_line(self, caplog):
        class Looking(Quiet):
            def loss(self, model, batch, at):
                loss = super().loss(model, batch, at)
                return loss if loss.item() > -1 else -loss

        with caplog.at_level(logging.WARNING, logger="unrolled"):
            losses, trainer = steps(TinyConfig(fast=True), 10, Looking)
        assert trainer.apply is trainer.update
        assert len([r for r in caplog.records if "could not be captured" in r.getMessage()]) == 1
        torch.testing.assert_close(
            torch.tensor(losses), torch.tensor(steps(TinyConfig(), 10)[0]), rtol=1e-4, atol=1e-6
        )
