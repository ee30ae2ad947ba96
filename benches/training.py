#!/usr/bin/env python3
"""One training step in PyTorch (forward, loss, backward, Adam) of the networks that benches/training.rs steps: seconds and memory.

    pip install torch numpy
    python3 benches/training.py [--threads 2] [NAME...]

Batch 16, binary 28x28, skip connections, head of 32; each network in a process of its own. Diagonal BiLSTM: one 1x1 convolution for the
whole map and both directions, the right one on the mirrored map; skewed; one loop over the 2W-1 columns with both directions in one
batched product. Row LSTM: one loop over the rows, both convolutions as products. Random images: the time does not depend on them.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

CONFIGS = {
    "mnist-pixelcnn": ("pixelcnn", 15, 16),
    "mnist-row": ("row_lstm", 7, 16),
    "mnist-diagonal": ("diagonal_bilstm", 7, 16),
    "mnist-diagonal-1x32": ("diagonal_bilstm", 1, 32),
}
BATCH, SIDE, HEAD = 16, 28, 32


def gates(pre, c):
    o, f, i, g = pre.chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def skew(x):
    """[..., H, W] to [..., H, W + H - 1], row r moved right by r."""
    *rest, height, width = x.shape
    return F.pad(x, (0, height)).flatten(-2)[..., :-height].unflatten(-1, (height, width + height - 1))


def unskew(x, width):
    height = x.shape[-2]
    return F.pad(x.flatten(-2), (0, height)).unflatten(-1, (height, width + height))[..., :width]


class Direction(nn.Module):
    """Only the parameters."""

    def __init__(self, h, tap_shape, wide):
        super().__init__()
        self.input_to_state = nn.Conv2d(2 * h, 4 * h, (1, wide), padding=(0, wide // 2))
        self.state_to_state = nn.Parameter(torch.empty(4 * h, h, *tap_shape).uniform_(-1, 1) * (h * 3) ** -0.5)
        self.initial_h = nn.Parameter(torch.zeros(h))
        self.initial_c = nn.Parameter(torch.zeros(h))


class Diagonal(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.left, self.right = Direction(h, (2, 1), 1), Direction(h, (2, 1), 1)

    def forward(self, x):
        n, _, height, width = x.shape
        both = (self.left, self.right)
        size = self.left.initial_h.shape[0]
        pre = torch.stack([self.left.input_to_state(x), self.right.input_to_state(x).flip(-1)])  # [2, n, 4h, y, x]
        pre = skew(pre).permute(4, 0, 1, 3, 2).contiguous()  # [column, 2, n, y, 4h]
        taps = torch.stack([d.state_to_state[..., 0].permute(2, 1, 0).reshape(2 * size, 4 * size) for d in both])  # above, beside
        initial_h, initial_c = (torch.stack([getattr(d, f"initial_{s}") for d in both])[:, None, None, :] for s in "hc")
        h, c = initial_h.expand(2, n, height, size), initial_c.expand(2, n, height, size)
        inside = torch.arange(width + height - 1)[:, None] >= torch.arange(height)  # rows that have begun
        columns = []
        for t in range(width + height - 1):
            above = F.pad(h[:, :, :-1], (0, 0, 1, 0))
            state = torch.cat([above, h], dim=-1).reshape(2, n * height, 2 * size)
            h, c = gates(torch.baddbmm(pre[t].reshape(2, n * height, 4 * size), state, taps).reshape(2, n, height, 4 * size), c)
            if t + 1 < height:  # a row that has not begun keeps its initial state
                begun = inside[t][:, None]
                h, c = torch.where(begun, h, initial_h), torch.where(begun, c, initial_c)
            columns.append(h)
        left, right = unskew(torch.stack(columns, dim=-1).permute(0, 1, 3, 2, 4), width)
        return left + F.pad(right.flip(-1)[..., :-1, :], (0, 0, 1, 0))


class Row(Direction):
    def __init__(self, h):
        super().__init__(h, (1, 3), 3)
        self.register_buffer("mask", torch.tensor([1.0, 1.0, 0.0]))

    def forward(self, x):
        n, _, height, width = x.shape
        size = self.initial_h.shape[0]
        i2s = self.input_to_state
        pre = F.conv2d(x, i2s.weight * self.mask, i2s.bias, padding=(0, 1)).permute(2, 0, 3, 1).contiguous()  # [y, n, x, 4h]
        taps = self.state_to_state[:, :, 0].permute(2, 1, 0).reshape(3 * size, 4 * size)
        h, c = self.initial_h.expand(n, width, size), self.initial_c.expand(n, width, size)
        rows = []
        for y in range(height):
            padded = F.pad(h, (0, 0, 1, 1))
            three = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1)
            h, c = gates(torch.addmm(pre[y].reshape(n * width, -1), three.reshape(n * width, -1), taps).reshape(n, width, -1), c)
            rows.append(h)
        return torch.stack(rows).permute(1, 3, 0, 2)


class LstmBlock(nn.Module):
    def __init__(self, network, h):
        super().__init__()
        self.lstm = Diagonal(h) if network == "diagonal_bilstm" else Row(h)
        self.expand, self.skip = nn.Conv2d(h, 2 * h, 1), nn.Conv2d(h, 2 * h, 1)

    def forward(self, x):
        y = self.lstm(x)
        return x + self.expand(y), self.skip(y)


class ConvBlock(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.reduce, self.conv = nn.Conv2d(2 * h, h, 1), nn.Conv2d(h, h, 3, padding=1)
        self.expand, self.skip = nn.Conv2d(h, 2 * h, 1), nn.Conv2d(h, 2 * h, 1)
        mask = torch.zeros(3, 3)
        mask.view(-1)[:5] = 1
        self.register_buffer("mask", mask)

    def forward(self, x):
        y = F.relu(self.reduce(F.relu(x)))
        y = F.relu(F.conv2d(y, self.conv.weight * self.mask, self.conv.bias, padding=1))
        return x + self.expand(y), self.skip(y)


class Net(nn.Module):
    def __init__(self, network, layers, h, head):
        super().__init__()
        self.first = nn.Conv2d(1, 2 * h, 7, padding=3)
        mask = torch.zeros(7, 7)
        mask.view(-1)[:24] = 1
        self.register_buffer("mask", mask)
        self.blocks = nn.ModuleList([ConvBlock(h) if network == "pixelcnn" else LstmBlock(network, h) for _ in range(layers)])
        self.head = nn.ModuleDict({"hidden": nn.Conv2d(2 * h, head, 1), "output": nn.Conv2d(head, 1, 1)})

    def forward(self, levels):
        x = F.conv2d(2 * levels - 1, self.first.weight * self.mask, self.first.bias, padding=3)
        skips = 0
        for block in self.blocks:
            x, skip = block(x)
            skips = skips + skip
        return self.head["output"](F.relu(self.head["hidden"](F.relu(x + skips))))


def rss_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure(name, steps, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network, layers, h = CONFIGS[name]
    before = rss_mb()
    net = Net(network, layers, h, HEAD)
    levels = (torch.rand(BATCH, 1, SIDE, SIDE) > 0.87).float()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    seconds = []
    for step in range(steps + 1):
        start = time.perf_counter()
        loss = F.binary_cross_entropy_with_logits(net(levels), levels, reduction="sum") / BATCH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        end = time.perf_counter()
        if step:
            seconds.append(end - start)
    parameters = sum(p.numel() for p in net.parameters())
    median = statistics.median(seconds)
    print(f"{name:<22} {parameters:>10} {median:>10.4f} {median * 3125:>12.0f} {rss_mb():>9.0f} MB   ({before:.0f} MB before the network)", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    if len(args.names) == 1:
        measure(args.names[0], args.steps, args.threads)
    else:
        print(f"torch {torch.__version__}, batch {BATCH}, {args.threads} threads, median of {args.steps} steps")
        print(f"{'network':<22} {'parameters':>10} {'s a step':>10} {'s an epoch':>12} {'peak memory':>12}", flush=True)
        for name in args.names or CONFIGS:
            command = [sys.executable, __file__, name, "--steps", str(args.steps), "--threads", str(args.threads)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
