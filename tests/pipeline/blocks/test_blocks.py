"""Every brick does what it declares: strides, reach, windows, and nothing leaks out of padding."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.blocks.attention import WindowedAttention
from octavo.pipeline.blocks.dilated import Dilated
from octavo.pipeline.blocks.inception import Inception
from octavo.pipeline.blocks.layer_mix import LayerMix
from octavo.pipeline.blocks.pooling import pool_bins
from octavo.pipeline.blocks.pyramid import Lateral, double
from torch import Tensor


def influence(module: torch.nn.Module, frames: int, channels: int, at: int, *more: Tensor) -> list[int]:
    """Input frames that an output frame depends on, by its gradient."""
    torch.manual_seed(0)
    x = torch.randn(1, frames, channels, requires_grad=True)
    module(x, *more)[0, at].square().sum().backward()
    assert x.grad is not None
    return torch.nonzero(x.grad[0].abs().sum(1)).flatten().tolist()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("widths", [(3, 5, 9), (5,)])
def test_inception_gives_its_stride_and_sees_its_widest_branch(widths: tuple[int, ...], stride: int) -> None:
    torch.manual_seed(1)  # of other weights all five units of the widest branch may be silent
    block = Inception(6, 20, widths, stride=stride, pooled=len(widths) > 1)
    assert block(torch.randn(2, 48, 6)).shape == (2, 48 // stride, 20)
    seen = influence(block, 48, 6, 10)
    assert (min(seen), max(seen)) == (10 * stride - max(widths) // 2, 10 * stride + max(widths) // 2)


@pytest.mark.parametrize("dilations", [(1,), (1, 2, 4, 8), (1, 2, 4)])
def test_dilated_reaches_as_far_as_declared(dilations: tuple[int, ...]) -> None:
    block = Dilated(64, dilations).eval()
    seen = influence(block, 60, 64, 30, torch.ones(1, 60, dtype=torch.bool))
    assert (min(seen), max(seen)) == (30 - block.reach, 30 + block.reach)
    expected = {30 + sign * dilation for dilation in (0, *dilations) for sign in (-1, 1)}
    assert set(seen) == expected


@pytest.mark.parametrize(("shifted", "window"), [(False, range(16, 24)), (True, range(12, 20))])
def test_attention_stays_inside_its_window(shifted: bool, window: range) -> None:
    block = WindowedAttention(16, 2, window=8, shifted=shifted).eval()
    valid = torch.ones(1, 40, dtype=torch.bool)
    assert influence(block, 40, 16, 17, valid) == list(window)


@pytest.mark.parametrize("block", [WindowedAttention(16, 2, window=8), Dilated(16)])
def test_padding_is_not_seen(block: torch.nn.Module) -> None:
    block = block.eval()
    x = torch.randn(1, 29, 16)
    alone = block(x, torch.ones(1, 29, dtype=torch.bool))
    more = torch.cat((x, torch.randn(1, 19, 16)), 1)
    valid = torch.arange(48)[None] < 29
    torch.testing.assert_close(block(more, valid)[:, :29], alone)


def test_shifted_attention_does_not_see_padding() -> None:
    block = WindowedAttention(16, 2, window=8, shifted=True).eval()
    x = torch.randn(1, 29, 16)
    alone = block(x, torch.ones(1, 29, dtype=torch.bool))
    valid = torch.arange(48)[None] < 29
    torch.testing.assert_close(block(torch.cat((x, torch.randn(1, 19, 16)), 1), valid)[:, :29], alone)


def test_attention_equals_plain_attention_of_each_window() -> None:
    block = WindowedAttention(16, 2, window=8).eval()
    torch.nn.init.normal_(block.relative)
    x = torch.randn(1, 16, 16)
    got = block(x, torch.ones(1, 16, dtype=torch.bool))
    for start in (0, 8):
        part = x[0, start : start + 8]
        query, key, value = block.project(block.norm(part)).chunk(3, -1)
        rows = []
        for at in range(8):
            heads = []
            for head in range(2):
                own = slice(8 * head, 8 * head + 8)
                bias = torch.stack([block.relative[head, other - at + 7] for other in range(8)])
                weights = (key[:, own] @ query[at, own] / 8**0.5 + bias).softmax(0)
                heads.append(weights @ value[:, own])
            rows.append(torch.cat(heads))
        y = part + block.out(torch.stack(rows))
        torch.testing.assert_close(got[0, start : start + 8], y + block.widen(y), rtol=1e-4, atol=1e-5)


def test_a_lateral_step_doubles_the_rate_and_can_drop_the_skip() -> None:
    fine, coarse, valid = torch.randn(2, 11, 6), torch.randn(2, 6, 10), torch.ones(2, 6, dtype=torch.bool)
    assert Lateral(6, 10)(fine, coarse, valid).shape == fine.shape
    without = Lateral(6, 10, skip=False)
    torch.testing.assert_close(without(fine, coarse, valid), without(torch.zeros_like(fine), coarse, valid))


def test_doubling_is_linear_interpolation() -> None:
    x = torch.randn(2, 7, 3)
    expected = torch.nn.functional.interpolate(x.transpose(1, 2), scale_factor=2, mode="linear", align_corners=False)
    torch.testing.assert_close(double(x, torch.ones(2, 7, dtype=torch.bool)), expected.transpose(1, 2))
    valid = torch.arange(7)[None].expand(2, -1) < 5
    torch.testing.assert_close(double(x, valid)[:, :10], double(x[:, :5], valid[:, :5]))


@settings(max_examples=60)
@given(st.data())
def test_pooled_bins_equal_means_taken_frame_by_frame(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 30))
    bins = data.draw(st.integers(1, 6))
    start = data.draw(st.integers(0, frames - 1))
    stop = data.draw(st.integers(start + 1, frames))
    x = torch.randn(frames, 3)
    got = pool_bins(x, torch.tensor([[start, stop]]), bins)[0]
    width = (stop - start) / bins
    for number in range(bins):
        low, high = start + number * width, start + (number + 1) * width
        total = torch.zeros(3)
        for frame in range(frames):  # the share of each frame that lies in the part
            total += max(0.0, min(high, frame + 1) - max(low, frame)) * x[frame]
        torch.testing.assert_close(got[number], total / width, rtol=1e-4, atol=1e-4)


def test_layers_count_by_their_weight_and_not_by_their_scale() -> None:
    states = torch.randn(2, 7, 3, 16)
    mix = LayerMix(3, 16, 8).eval()
    assert mix(states).shape == (2, 7, 8)
    even = torch.stack([torch.nn.functional.layer_norm(states[:, :, layer], (16,)) for layer in range(3)])
    torch.testing.assert_close(mix(states), mix.norm(mix.project(even.mean(0))))
    louder = states * torch.tensor([1.0, 50.0, 0.1])[:, None]
    torch.testing.assert_close(mix(louder), mix(states), rtol=1e-2, atol=1e-2)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([-50.0, 0.0, -50.0]))
    torch.testing.assert_close(mix(states), mix.norm(mix.project(even[1])))
