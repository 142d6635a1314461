"""The BN-LSTM over a whole sequence, with a backward pass derived by hand.

autograd keeps and replays some thirty small operations a step. Here a step of the forward pass and a step
of the backward pass are one pure function each, which `torch.compile` can fuse, and the gradient of the
recurrent weight is one product for a block of steps. `unrolled.papers.bn_lstm.model` has the same mathematics
in readable form; tests hold the two equal. Nothing here waits for a GPU, so that a whole update can be
captured as one CUDA graph.
"""

import inspect
import logging
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

BLOCK = {"cpu": 16, "cuda": 112}
"""Steps whose share of the recurrent weight's gradient is one product: what a CPU's cache holds, or more."""


class InputTerm(NamedTuple):
    """BN(W_x x_t; gamma_x, 0) + b for all steps, which no feedback reaches.

    Of one feature, the normalised term is an outer product, ``x_t - mean`` times a ``scale`` for every unit,
    and a step computes it on the fly: kept for all steps it would be 4 ``hidden`` times the input, which
    leaves the cache. Of several features, ``scale`` is None and ``term`` is kept.
    """

    term: Tensor  # [time, batch, 1]: the centred input; or [time, batch, 4 hidden]: the term itself
    scale: Tensor | None  # [time, 4 hidden]
    mean: Tensor  # of W_x x_t, [time, 4 hidden]
    variance: Tensor  # the same


class Derived(NamedTuple):
    """A sequence's hidden states, its last state, and the moments that it was normalised with."""

    h: Tensor  # [time, batch, hidden]
    h_last: Tensor  # [batch, hidden]
    c_last: Tensor  # [batch, hidden]
    mean_h: Tensor  # of W_h h_{t-1}, [time, 4 hidden]
    variance_h: Tensor
    mean_c: Tensor  # of c_t, [time, hidden]
    variance_c: Tensor


def input_term(x: Tensor, W_x: Tensor, gamma_x: Tensor, b: Tensor, epsilon: float) -> InputTerm:
    """The input's part of equation 6 for all steps at once; autograd differentiates it.

    *Shapes*: ``x`` is ``[time, batch, input]``.
    """
    if x.shape[-1] == 1 and not x.requires_grad:
        mean = x.mean(1, keepdim=True)
        centred = x - mean
        w = W_x[:, 0]
        variance = centred.square().mean(1) * w.square()
        return InputTerm(centred, gamma_x * w * torch.rsqrt(variance + epsilon), mean[:, 0] * w, variance)
    product = functional.linear(x, W_x)
    mean = product.mean(1, keepdim=True)
    centred = product - mean
    variance = centred.square().mean(1, keepdim=True)
    term = centred * (gamma_x * torch.rsqrt(variance + epsilon)) + b
    return InputTerm(term, None, mean[:, 0], variance[:, 0])


def forward_step(h, c, term, scale, b, W_h, gamma_h, gamma_c, beta_c, epsilon):
    """Equations 6 to 8 of one step: h_t, c_t, then what the backward step needs.

    The gates are i, f, g, o; ``a`` is W_h h_{t-1}; ``tau`` is tanh(BN(c_t)).
    """
    # Fused, a sigmoid vectorises better than tanh; the two differ by about 1e-7 in float32.
    tanh = (lambda v: 2 * torch.sigmoid(2 * v) - 1) if torch.compiler.is_compiling() else torch.tanh
    a = torch.mm(h, W_h.t())
    mean_h = a.mean(0)
    centred = a - mean_h
    variance_h = centred.square().mean(0)
    from_x = term if scale is None else torch.addcmul(b, term, scale)
    z = torch.addcmul(from_x, centred, gamma_h * torch.rsqrt(variance_h + epsilon))  # (6)
    i, f, g, o = z.chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), tanh(g), torch.sigmoid(o)
    c = torch.addcmul(f * c, i, g)  # (7)
    mean_c = c.mean(0)
    centred = c - mean_c
    variance_c = centred.square().mean(0)
    tau = tanh(torch.addcmul(beta_c, centred, gamma_c * torch.rsqrt(variance_c + epsilon)))
    return o * tau, c, a, i, f, g, o, tau, mean_h, variance_h, mean_c, variance_c  # (8)


def backward_step(dh, dc, c_before, term, scale, saved, W_h, gamma_h, gamma_c, epsilon):
    """The derivatives of one step, from those by h_t and c_t to those by h_{t-1} and c_{t-1}.

    With n rows, y = BN(z; gamma) and z^ the normalised z, the derivative by z is
    gamma / sqrt(Var[z] + epsilon) * (dy - mean(dy) - z^ mean(dy z^)): the means are the sums that the
    derivatives by beta and gamma are anyway.
    """
    c, a, i, f, g, o, tau, mean_h, variance_h, mean_c, variance_c = saved
    share = 1 / a.shape[0]

    inverse = torch.rsqrt(variance_c + epsilon)
    normalised = (c - mean_c) * inverse
    by_o = dh * tau
    dy = dh * o * (1 - tau * tau)
    d_beta_c, d_gamma_c = dy.sum(0), (dy * normalised).sum(0)
    dc = dc + (gamma_c * inverse) * (dy - share * d_beta_c - normalised * (share * d_gamma_c))  # by (8)

    dz = torch.cat(  # by (7)
        (dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g), by_o * o * (1 - o)), 1
    )
    inverse = torch.rsqrt(variance_h + epsilon)
    normalised = (a - mean_h) * inverse
    d_b, d_gamma_h = dz.sum(0), (dz * normalised).sum(0)
    da = (gamma_h * inverse) * (dz - share * d_b - normalised * (share * d_gamma_h))  # by (6)
    d_input = dz if scale is None else (dz * term).sum(0)
    return torch.mm(da, W_h), dc * f, da, d_input, d_b, d_gamma_h, d_gamma_c, d_beta_c


def whole_forward_step(h, c, term, scale, b, W_h, gamma_h, gamma_c, beta_c, epsilon):
    """`forward_step` from torch's own whole operations: fewer calls where nothing fuses them.

    In place of the variances it keeps the inverse deviations, which is what these operations give.
    """
    a = torch.mm(h, W_h.t())
    z, mean_h, inverse_h = torch.native_batch_norm(a, gamma_h, None, None, None, True, 0.0, epsilon)
    z = z + (term if scale is None else torch.addcmul(b, term, scale))  # (6)
    i, f, g, o = z.chunk(4, 1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = torch.addcmul(f * c, i, g)  # (7)
    y, mean_c, inverse_c = torch.native_batch_norm(c, gamma_c, beta_c, None, None, True, 0.0, epsilon)
    tau = torch.tanh(y)
    return o * tau, c, a, i, f, g, o, tau, mean_h, inverse_h, mean_c, inverse_c  # (8)


def whole_backward_step(dh, dc, c_before, term, scale, saved, W_h, gamma_h, gamma_c, epsilon):
    """`backward_step` from torch's own whole operations, for what `whole_forward_step` saved."""
    c, a, i, f, g, o, tau, mean_h, inverse_h, mean_c, inverse_c = saved
    aten, by_all = torch.ops.aten, [True, True, True]
    dy = aten.tanh_backward(dh * o, tau)
    by_c, d_gamma_c, d_beta_c = aten.native_batch_norm_backward(
        dy, c, gamma_c, None, None, mean_c, inverse_c, True, epsilon, by_all
    )
    dc = dc + by_c  # by (8)
    dz = torch.cat(  # by (7)
        (
            aten.sigmoid_backward(dc * g, i),
            aten.sigmoid_backward(dc * c_before, f),
            aten.tanh_backward(dc * i, g),
            aten.sigmoid_backward(dh * tau, o),
        ),
        1,
    )
    da, d_gamma_h, d_b = aten.native_batch_norm_backward(
        dz, a, gamma_h, None, None, mean_h, inverse_h, True, epsilon, by_all
    )  # by (6)
    d_input = dz if scale is None else (dz * term).sum(0)
    return torch.mm(da, W_h), dc * f, da, d_input, d_b, d_gamma_h, d_gamma_c, d_beta_c


class Steps(NamedTuple):
    """The two functions of a step, and what turns the spread that they keep into a variance."""

    forward: Callable
    backward: Callable
    variance: Callable[[Tensor, float], Tensor]


class _Sequence(torch.autograd.Function):
    """Both passes over all steps."""

    @staticmethod
    def forward(ctx, h, c, term, scale, b, W_h, gamma_h, gamma_c, beta_c, epsilon, steps):
        ctx.set_materialize_grads(False)
        saved = (h, c), (term, scale, W_h, gamma_h, gamma_c)
        # Without their histories: the compiler would make a second step for tensors that have one.
        h, c, b, W_h, gamma_h, gamma_c, beta_c = map(Tensor.detach, (h, c, b, W_h, gamma_h, gamma_c, beta_c))
        step, time = steps.forward, len(term)
        terms = term.unbind(0)
        scales = [None] * time if scale is None else scale.unbind(0)
        hs, kept = [], []
        for t in range(time):
            h, c, *rest = step(h, c, terms[t], scales[t], b, W_h, gamma_h, gamma_c, beta_c, epsilon)
            hs.append(h)
            kept.append((c, *rest))
        h_all = torch.stack(hs)
        ctx.kept, ctx.epsilon, ctx.step = kept, epsilon, steps.backward
        ctx.save_for_backward(*saved[0], h_all, *saved[1])
        mean_h, spread_h, mean_c, spread_c = (
            torch.stack(column) for column in list(zip(*kept, strict=True))[-4:]
        )
        moments = mean_h, steps.variance(spread_h, epsilon), mean_c, steps.variance(spread_c, epsilon)
        ctx.mark_non_differentiable(*moments)
        # A copy of c: an output that the context keeps as it is would keep the whole graph alive.
        return (h_all, h, c.clone(), *moments)

    @staticmethod
    @once_differentiable
    def backward(ctx, d_h_all, d_h_last, d_c_last, *_):
        h_0, c_0, h_all, term, scale, W_h, gamma_h, gamma_c = (
            None if saved is None else saved.detach() for saved in ctx.saved_tensors
        )
        time = len(term)
        block = BLOCK.get(term.device.type, 16)
        terms = term.unbind(0)
        scales = [None] * time if scale is None else scale.unbind(0)
        given = [None] * time if d_h_all is None else d_h_all.unbind(0)
        dh = torch.zeros_like(h_0) if d_h_last is None else d_h_last.contiguous()
        dc = torch.zeros_like(c_0) if d_c_last is None else d_c_last.contiguous()
        dW = torch.zeros_like(W_h)
        pending, sums = [], []
        for t in reversed(range(time)):
            if given[t] is not None:
                dh = dh + given[t]
            before = ctx.kept[t - 1][0] if t else c_0
            dh, dc, da, *rest = ctx.step(
                dh, dc, before, terms[t], scales[t], ctx.kept[t], W_h, gamma_h, gamma_c, ctx.epsilon
            )
            sums.append(rest)
            pending.append(da)
            if len(pending) == block or t == 0:
                pending.reverse()
                # The first step's h_{t-1} is h_0, which does not lie among the others.
                rows = h_all[t - 1 : t - 1 + len(pending)] if t else h_all[: len(pending) - 1]
                if not t:
                    rows = torch.cat((h_0.unsqueeze(0), rows))
                dW.addmm_(torch.cat(pending).t(), rows.reshape(-1, rows.shape[-1]))
                pending = []
        sums.reverse()
        d_input, *columns = (torch.stack(column) for column in zip(*sums, strict=True))
        d_b, d_gamma_h, d_gamma_c, d_beta_c = (column.sum(0) for column in columns)
        by_input = (d_input, None, None) if scale is None else (None, d_input, d_b)
        return dh, dc, *by_input, dW, d_gamma_h, d_gamma_c, d_beta_c, None, None


def run(
    h: Tensor,
    c: Tensor,
    given: InputTerm,
    b: Tensor,
    W_h: Tensor,
    gamma_h: Tensor,
    gamma_c: Tensor,
    beta_c: Tensor,
    epsilon: float,
    compiled: bool = False,
) -> Derived:
    """A BN-LSTM over a sequence of at least one step, normalised with the batch's own moments.

    *Paper*: cooijmans2017recurrent, Section 3, equations 6 to 8.

    *Shapes*: ``h`` and ``c`` are ``[batch, hidden]``; the others as in `InputTerm` and `forward_step`.

    *Raises*: RuntimeError where a second derivative is asked for.
    """
    steps = _EAGER
    if compiled:
        steps = Steps(compiled_step(forward_step), compiled_step(backward_step), lambda variance, _: variance)
    weights = (W_h, gamma_h, gamma_c, beta_c)
    return Derived(
        *_Sequence.apply(h.contiguous(), c.contiguous(), given.term, given.scale, b, *weights, epsilon, steps)
    )


@cache
def compiled_step(step: Callable) -> Callable:
    """``step``, compiled at its first call; where that fails (no C++ compiler), it runs eager and says so."""
    plain = inspect.unwrap(step)  # without the run-time shape checks of the tests, which do not compile
    chosen: list[Callable] = []

    def call(*arguments: object) -> object:
        if chosen:
            return chosen[0](*arguments)
        try:
            compiled = torch.compile(plain, dynamic=False)
            result = compiled(*arguments)
        except RuntimeError as error:
            # An error of the step itself comes again, uncaught, from the call below.
            reason = str(error).strip().splitlines() or [type(error).__name__]
            _say(f"not compiled, runs eager: {reason[0]}")
            chosen.append(plain)
            return plain(*arguments)
        chosen.append(compiled)
        return result

    return call


@cache
def _say(line: str) -> None:
    """Log a line once a process."""
    logging.getLogger(__name__).warning(line)


def _variance(inverse: Tensor, epsilon: float) -> Tensor:
    """The variance under an inverse deviation; below its resolution it is zero, as it is for equal rows."""
    variance = inverse.pow(-2) - epsilon
    return variance.where(variance > 4 * torch.finfo(variance.dtype).eps * epsilon, variance.new_zeros(()))


_EAGER = Steps(whole_forward_step, whole_backward_step, _variance)
