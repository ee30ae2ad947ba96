#!/usr/bin/env python3
"""Trains pixelrnn's networks on one NVIDIA GPU and writes weights in the project's safetensors format.

The networks, their masks and their file are those of the crate (README, "The weights file"); only the machine is another one: every
optimiser step is one CUDA graph, a scan is two kernels a line, and several networks train side by side on their own streams.

    train.py --data DATA --out OUT [--resume STATE] [--seconds N] RUNS.json

RUNS.json is a list of {config: {name, dataset, model} as in the crate's training configurations, batch, lr, final_lr, ema, warmup,
init: a weights file to begin with, flip: left-right, dynamic: MNIST made binary anew in every pass, half: bfloat16 layers, muon: its share of Adam's step, decay, seed}.
OUT/NAME.safetensors is the average of the weights with the best validation likelihood, OUT/NAME.jsonl its record.
"""

import argparse, json, lzma, math, os, pathlib, threading, time
import numpy as np
import torch
import torch.nn.functional as F

try:
    import triton
    import triton.language as tl
except ImportError:  # the plain path needs none
    triton = None

DEV = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True


# ---------------------------------------------------------------- masks (section 3.4)

def group(feature, features, groups):
    return feature * groups // features


def conv_mask(kind, groups, gates, shape):
    """0/1 mask [out, in, kh, kw]; outputs are `gates` blocks, colour groups aligned in each."""
    o, i, kh, kw = shape
    width = o // gates
    go = torch.tensor([group(k % width, width, groups) for k in range(o)])
    gi = torch.tensor([group(k, i, groups) for k in range(i)])
    centre = (gi[None, :] < go[:, None]) if kind == "A" else (gi[None, :] <= go[:, None])
    mask = torch.zeros(shape)
    mask[:, :, : kh // 2, :] = 1
    mask[:, :, kh // 2, : kw // 2] = 1
    mask[:, :, kh // 2, kw // 2] = centre.float()
    return mask


# ---------------------------------------------------------------- the LSTM scan

def line_range(diagonal, t, P, steps, W):
    """First and one past the last position of line t."""
    return (max(0, t + 1 - W), min(t, P - 1) + 1) if diagonal else (0, P)


if triton is not None:

    @triton.jit
    def tanh_(x):
        return 2.0 / (1.0 + tl.exp(-2.0 * x)) - 1.0

    @triton.jit(do_not_specialize=["t", "first", "count"])
    def cell_forward(inputs, kernel, hin, hout, cbuf, acts, cells, hidden, hc, t, first, count,
                     P, H, W, B, h: tl.constexpr, BJ: tl.constexpr, BM: tl.constexpr,
                     DIAG: tl.constexpr, TAPS: tl.constexpr):
        d = tl.program_id(1)
        r = tl.program_id(0) * BM + tl.arange(0, BM)
        rows = r < count * B
        p = first + r // B
        b = r % B
        if DIAG:
            y = p
            x = t - p
            x = tl.where(d == 0, x, W - 1 - x)
        else:
            y = p * 0 + t
            x = p
        pixel = ((d * H + y) * W + x).to(tl.int64) * B + b
        at = (d * P + p).to(tl.int64) * B + b
        j = tl.program_id(2) * BJ + tl.arange(0, BJ)  # this program's features
        m = rows[:, None] & (j < h)[None, :]
        base = pixel[:, None] * (4 * h) + j[None, :]
        o = tl.load(inputs + base, m, 0.0).to(tl.float32)
        f = tl.load(inputs + base + h, m, 0.0).to(tl.float32)
        i = tl.load(inputs + base + 2 * h, m, 0.0).to(tl.float32)
        g = tl.load(inputs + base + 3 * h, m, 0.0).to(tl.float32)
        for k in tl.static_range(TAPS):
            own = tl.load(hin + at[:, None] * (TAPS * h) + k * h + j[None, :], m, 0.0)
            tl.store(hc + pixel[:, None] * (TAPS * h) + k * h + j[None, :], own, m)
            for part in tl.static_range((h + BJ - 1) // BJ):
                e = part * BJ + tl.arange(0, BJ)
                v = tl.load(hin + at[:, None] * (TAPS * h) + k * h + e[None, :], rows[:, None] & (e < h)[None, :], 0.0)
                square = (e < h)[:, None] & (j < h)[None, :]
                w = kernel + (d * TAPS * h + k * h + e)[:, None] * (4 * h) + j[None, :]
                o = tl.dot(v, tl.load(w, square, 0.0), o)
                f = tl.dot(v, tl.load(w + h, square, 0.0), f)
                i = tl.dot(v, tl.load(w + 2 * h, square, 0.0), i)
                g = tl.dot(v, tl.load(w + 3 * h, square, 0.0), g)
        o = tl.sigmoid(o)
        f = tl.sigmoid(f)
        i = tl.sigmoid(i)
        g = tanh_(g)
        cp = tl.load(cbuf + at[:, None] * h + j[None, :], m, 0.0)
        c = f * cp + i * g
        s = o * tanh_(c)
        tl.store(cbuf + at[:, None] * h + j[None, :], c, m)
        tl.store(acts + base, o, m)
        tl.store(acts + base + h, f, m)
        tl.store(acts + base + 2 * h, i, m)
        tl.store(acts + base + 3 * h, g, m)
        tl.store(cells + pixel[:, None] * h + j[None, :], c, m)
        tl.store(hidden + pixel[:, None] * h + j[None, :], s, m)
        for k in tl.static_range(TAPS):
            # Tap k of position q reads position q + k - 1.
            q = p + 1 - k
            to = (d * P + q).to(tl.int64) * B + b
            mq = m & ((q >= 0) & (q < P))[:, None]
            tl.store(hout + to[:, None] * (TAPS * h) + k * h + j[None, :], s, mq)

    @triton.jit(do_not_specialize=["t", "first", "count", "nfirst", "ncount"])
    def cell_backward(dout, kernel, dcbuf, acts, cells, c0, dgates, t, first, count, nfirst, ncount,
                      P, H, W, B, h: tl.constexpr, BJ: tl.constexpr, BM: tl.constexpr,
                      DIAG: tl.constexpr, TAPS: tl.constexpr):
        d = tl.program_id(1)
        r = tl.program_id(0) * BM + tl.arange(0, BM)
        rows = r < count * B
        p = first + r // B
        b = r % B
        if DIAG:
            y = p
            x0 = t - p
            x = tl.where(d == 0, x0, W - 1 - x0)
            start = x0 == 0
            before = ((d * H + y) * W + tl.where(d == 0, x - 1, x + 1)).to(tl.int64) * B + b
        else:
            y = p * 0 + t
            x = p
            start = y == 0
            before = ((d * H + y - 1) * W + x).to(tl.int64) * B + b
        pixel = ((d * H + y) * W + x).to(tl.int64) * B + b
        at = (d * P + p).to(tl.int64) * B + b
        j = tl.program_id(2) * BJ + tl.arange(0, BJ)  # this program's features
        m = rows[:, None] & (j < h)[None, :]
        base = pixel[:, None] * (4 * h) + j[None, :]
        dh = tl.load(dout + pixel[:, None] * h + j[None, :], m, 0.0).to(tl.float32)
        for k in tl.static_range(TAPS):
            # What position q of the next line made of this state.
            q = p + 1 - k
            if DIAG:
                yq = q
                xq = t + 1 - q
                xq = tl.where(d == 0, xq, W - 1 - xq)
            else:
                yq = q * 0 + t + 1
                xq = q
            nxt = ((d * H + yq) * W + xq).to(tl.int64) * B + b
            there = (rows & (q >= nfirst) & (q < nfirst + ncount))[:, None]
            for gate in tl.static_range(4):
                for part in tl.static_range((h + BJ - 1) // BJ):
                    e = part * BJ + tl.arange(0, BJ)
                    v = tl.load(dgates + nxt[:, None] * (4 * h) + gate * h + e[None, :], there & (e < h)[None, :], 0.0)
                    # kernel[k*h + j, gate*h + e] as [e, j]
                    w = kernel + (d * TAPS * h + k * h + j)[None, :] * (4 * h) + gate * h + e[:, None]
                    dh = tl.dot(v, tl.load(w, (e < h)[:, None] & (j < h)[None, :], 0.0), dh)
        o = tl.load(acts + base, m, 0.0).to(tl.float32)
        f = tl.load(acts + base + h, m, 0.0).to(tl.float32)
        i = tl.load(acts + base + 2 * h, m, 0.0).to(tl.float32)
        g = tl.load(acts + base + 3 * h, m, 0.0).to(tl.float32)
        c = tl.load(cells + pixel[:, None] * h + j[None, :], m, 0.0)
        first_c = tl.load(c0 + d * h + j, j < h, 0.0)
        cp = tl.load(cells + before[:, None] * h + j[None, :], m & (start == 0)[:, None], 0.0)
        cp = tl.where(start[:, None], first_c[None, :], cp)
        tc = tanh_(c)
        dc = tl.load(dcbuf + at[:, None] * h + j[None, :], m, 0.0) + dh * o * (1.0 - tc * tc)
        tl.store(dcbuf + at[:, None] * h + j[None, :], dc * f, m)
        tl.store(dgates + base, dh * tc * o * (1.0 - o), m)
        tl.store(dgates + base + h, dc * cp * f * (1.0 - f), m)
        tl.store(dgates + base + 2 * h, dc * g * i * (1.0 - i), m)
        tl.store(dgates + base + 3 * h, dc * i * (1.0 - g * g), m)


def tiles(h):
    """Features and positions of one program."""
    return (32 if h % 32 == 0 else max(16, triton.next_power_of_2(h))), 64


def first_lines(h0, P, B, taps):
    """The states that the first line reads, [D, P, B, taps * h]: zero outside the image."""
    D, h = h0.shape
    if taps == 2:  # above: zero; beside: initial
        return torch.cat([torch.zeros_like(h0), h0], 1).view(D, 1, 1, 2 * h).expand(D, P, B, 2 * h).contiguous()
    full = h0.view(D, 1, 1, 1, h).expand(D, P, B, 3, h).contiguous()
    full[:, 0, :, 0] = 0
    full[:, P - 1, :, 2] = 0
    return full.view(D, P, B, 3 * h)


class Scan(torch.autograd.Function):
    """inputs [D, H, W, B, 4h], kernel [D, taps*h, 4h], h0 and c0 [D, h] -> hidden [D, H, W, B, h].

    Two taps: the diagonal scan (above, beside), direction 1 mirrored. Three: the row scan (x-1, x, x+1 of the row above)."""

    @staticmethod
    def forward(ctx, inputs, kernel, h0, c0):
        D, H, W, B, h4 = inputs.shape
        h = h4 // 4
        taps = kernel.shape[1] // h
        diag = taps == 2
        P, steps = (H, H + W - 1) if diag else (W, H)
        new = inputs.new_empty
        kind = inputs.dtype
        kernel = kernel.to(kind).contiguous()
        acts, hidden, hc = new(D, H, W, B, h4), new(D, H, W, B, h), new(D, H, W, B, taps * h)
        cells = new(D, H, W, B, h, dtype=torch.float32)
        states = [first_lines(h0.to(kind), P, B, taps)]
        states.append(states[0].clone())
        cbuf = c0.view(D, 1, 1, h).expand(D, P, B, h).contiguous()
        BJ, BM = tiles(h)
        for t in range(steps):
            a, e = line_range(diag, t, P, steps, W)
            n = e - a
            cell_forward[(triton.cdiv(n * B, BM), D, triton.cdiv(h, BJ))](inputs, kernel, states[t % 2], states[(t + 1) % 2], cbuf, acts, cells,
                                                      hidden, hc, t, a, n, P, H, W, B, h, BJ, BM, diag, taps)
        ctx.save_for_backward(kernel, c0, acts, cells, hc)
        return hidden

    @staticmethod
    def backward(ctx, dout):
        kernel, c0, acts, cells, hc = ctx.saved_tensors
        dout = dout.contiguous()
        D, H, W, B, h = dout.shape
        taps = kernel.shape[1] // h
        diag = taps == 2
        P, steps = (H, H + W - 1) if diag else (W, H)
        h4 = 4 * h
        dgates = torch.empty_like(acts)
        dcbuf = dout.new_zeros(D, P, B, h, dtype=torch.float32)
        BJ, BM = tiles(h)
        na, nn = 0, 0
        for t in reversed(range(steps)):
            a, e = line_range(diag, t, P, steps, W)
            n = e - a
            cell_backward[(triton.cdiv(n * B, BM), D, triton.cdiv(h, BJ))](dout, kernel, dcbuf, acts, cells, c0, dgates, t, a, n, na, nn,
                                                       P, H, W, B, h, BJ, BM, diag, taps)
            na, nn = a, n
        N = H * W * B
        dkernel = torch.bmm(hc.view(D, N, taps * h).transpose(1, 2), dgates.view(D, N, h4)).float()
        dc0 = dcbuf.sum((1, 2))
        back = kernel.transpose(1, 2).float()
        if diag:
            begin = torch.stack([dgates[0, :, 0].float().sum((0, 1)), dgates[1, :, W - 1].float().sum((0, 1))])  # [D, 4h]
            dh0 = torch.bmm(begin.unsqueeze(1), back[:, :, h:]).squeeze(1)
        else:
            top = dgates[:, 0].float()  # [D, W, B, 4h]
            sums = [top[:, 1:].sum((1, 2)), top.sum((1, 2)), top[:, :-1].sum((1, 2))]
            dh0 = sum(torch.bmm(s.unsqueeze(1), back[:, :, k * h:(k + 1) * h]).squeeze(1) for k, s in enumerate(sums))
        return dgates, dkernel, dh0, dc0


def plain_scan(inputs, kernel, h0, c0):
    """The same, pixel by pixel and by autograd: what `Scan` is checked against."""
    D, H, W, B, h4 = inputs.shape
    h = h4 // 4
    taps = kernel.shape[1] // h
    zero = inputs.new_zeros(B, h)
    maps = []
    for d in range(D):
        hs, cs = {}, {}
        init_h, init_c = h0[d].expand(B, h), c0[d].expand(B, h)
        columns = range(W) if d == 0 else range(W - 1, -1, -1)
        step = 1 if d == 0 else -1
        for y in range(H):
            for x in columns:
                if taps == 2:
                    above = hs[y - 1, x] if y > 0 else zero
                    beside = hs.get((y, x - step), init_h)
                    seen, cp = torch.cat([above, beside], 1), cs.get((y, x - step), init_c)
                else:
                    at = lambda q: zero if q < 0 or q >= W else (hs[y - 1, q] if y > 0 else init_h)
                    seen, cp = torch.cat([at(x - 1), at(x), at(x + 1)], 1), cs.get((y - 1, x), init_c)
                o, f, i, g = (inputs[d, y, x] + seen @ kernel[d]).chunk(4, 1)
                c = f.sigmoid() * cp + i.sigmoid() * g.tanh()
                cs[y, x], hs[y, x] = c, o.sigmoid() * c.tanh()
        maps.append(torch.stack([torch.stack([hs[y, x] for x in range(W)]) for y in range(H)]))
    return torch.stack(maps)


# ---------------------------------------------------------------- networks (section 3, table 1)

class Net:
    """One network of the crate. Parameters live in one flat vector; `self.views` are named tensors into it."""

    def __init__(self, config, seed=1, plain=False, kind=torch.float32):
        """`kind` is the type of what the layers read and write; the residual stream and the logits stay 32-bit."""
        self.c, self.plain, self.kind = config, plain, kind
        self.small = Net(config["conditioning"]["small"], seed + 1, plain, kind) if config.get("conditioning") else None
        self.maps = config["conditioning"]["maps"] if self.small else 0
        rng = torch.Generator().manual_seed(seed)
        self.shapes, self.start, self.masks = {}, {}, {}
        c = config
        C, h, L = c["channels"], c["h"], c["layers"]
        groups = 3 if C == 3 else 1
        self.logits = 1 if c["levels"] == 2 else c["levels"]
        uni = lambda shape, fan: (torch.rand(shape, generator=rng) * 2 - 1) / math.sqrt(fan)

        def conv(name, o, i, kh, kw, kind="B", gates=1, bias=None):
            mask = conv_mask(kind, groups, gates, (o, i, kh, kw))
            fan = max(1.0, float(mask.sum() / o))
            self.add(name + ".weight", uni((o, i, kh, kw), fan) * mask, mask)
            self.add(name + ".bias", uni((o,), fan) if bias is None else uni((o,), fan) + bias)

        conv("first", 2 * h, C, 7, 7, "A")
        for n in range(L):
            b = f"blocks.{n}."
            if c["network"] == "pixelcnn":
                conv(b + "reduce", h, 2 * h, 1, 1)
                conv(b + "conv", h, h, 3, 3)
                if self.maps:
                    self.add(b + "condition", uni((h, self.maps, 1, 1), self.maps))
            else:
                row = c["network"] == "row_lstm"
                forget = torch.zeros(4 * h)
                forget[h:2 * h] = 1
                for d in ("",) if row else ("left.", "right."):
                    p = b + "lstm." + d
                    conv(p + "input_to_state", 4 * h, 2 * h, 1, 3 if row else 1, "B", 4, forget)
                    kh, kw = (1, 3) if row else (2, 1)
                    self.add(p + "state_to_state", uni((4 * h, h, kh, kw), h * kh * kw))
                    self.add(p + "initial_h", torch.zeros(h))
                    self.add(p + "initial_c", torch.zeros(h))
                    if self.maps:
                        self.add(p + "condition", uni((4 * h, self.maps, 1, 1), self.maps))
            conv(b + "expand", 2 * h, h, 1, 1)
            if c["skip"]:
                conv(b + "skip", 2 * h, h, 1, 1)
        conv("head.hidden", c["head"], 2 * h, 1, 1)
        conv("head.output", C * self.logits, c["head"], 1, 1)
        if self.small:
            m = self.maps
            for n, i in enumerate((C, m)):
                self.add(f"upsampler.convs.{n}.weight", uni((m, i, 3, 3), 9 * i))
                self.add(f"upsampler.convs.{n}.bias", uni((m,), 9 * i))
            for n in range(int(math.log2(c["height"] // self.small.c["height"]))):
                self.add(f"upsampler.deconvs.{n}.weight", uni((m, m, 4, 4), 4 * m))
                self.add(f"upsampler.deconvs.{n}.bias", uni((m,), 4 * m))

    def add(self, name, value, mask=None):
        self.shapes[name], self.start[name] = tuple(value.shape), value
        if mask is not None:
            self.masks[name] = mask

    def all(self, prefix=""):
        """Every tensor of every scale: (full name, net, name)."""
        own = [(prefix + n, self, n) for n in self.shapes]
        return own + (self.small.all(prefix + "small.") if self.small else [])

    def bind(self, flat, leaves=False):
        """Names to views of one flat vector; with `leaves`, ones that gradients are taken by, which are returned in order."""
        at, made = 0, []
        for _, net, name in self.all():
            if name == next(iter(net.shapes)):
                net.views = {}
            shape = net.shapes[name]
            size = math.prod(shape)
            view = flat[at:at + size].view(shape)
            if leaves:
                view = view.detach().requires_grad_()
                made.append(view)
            net.views[name] = view
            at += size
        return made

    def to(self, device):
        self.masks = {k: v.to(device) for k, v in self.masks.items()}
        if self.small:
            self.small.to(device)

    # ---- forward; maps are [H, W, B, C] inside, except where cuDNN convolves

    def w(self, name):
        return self.views[name] * self.masks[name] if name in self.masks else self.views[name]

    def b(self, name):
        return self.views[name + ".bias"].to(self.kind)

    def point(self, name, x, kind=None):
        kind = kind or self.kind
        w = self.w(name + ".weight")
        return F.linear(x.to(kind), w.view(w.shape[0], w.shape[1]).to(kind), self.views[name + ".bias"].to(kind))

    def conv(self, name, x, padding=0):
        return F.conv2d(x.to(self.kind), self.w(name + ".weight").to(self.kind), self.b(name), padding=padding)

    def input(self, levels):
        return levels.float() * (2.0 / (self.c["levels"] - 1)) - 1.0

    def subsample(self, levels):
        f = self.c["height"] // self.small.c["height"]
        return levels[:, :, f // 2::f, f // 2::f]

    def condition(self, levels):
        x = self.small.input(self.subsample(levels))
        for n in range(2):
            x = F.relu(F.conv2d(x, self.views[f"upsampler.convs.{n}.weight"], self.views[f"upsampler.convs.{n}.bias"], padding=1))
        n = 0
        while f"upsampler.deconvs.{n}.weight" in self.views:
            x = F.relu(F.conv_transpose2d(x, self.views[f"upsampler.deconvs.{n}.weight"], self.views[f"upsampler.deconvs.{n}.bias"], stride=2, padding=1))
            n += 1
        return x  # [B, maps, H, W]

    def nll(self, levels):
        """[B, C, H, W] levels -> [-ln p per image of each scale], each [B]."""
        scales = self.small.nll(self.subsample(levels)) if self.small else []
        x = F.conv2d(self.input(levels), self.w("first.weight"), self.views["first.bias"], padding=3)
        cond = self.condition(levels) if self.small else None
        features = self.cnn(x, cond) if self.c["network"] == "pixelcnn" else self.rnn(x, cond)
        return scales + [self.loss(features, levels)]

    def cnn(self, x, cond):
        x = x.to(memory_format=torch.channels_last)
        skips = 0
        for n in range(self.c["layers"]):
            b = f"blocks.{n}."
            y = self.conv(b + "reduce", F.relu(x))
            y = self.conv(b + "conv", F.relu(y), 1)
            if cond is not None:
                y = y + F.conv2d(cond, self.views[b + "condition"]).to(self.kind)
            y = F.relu(y)
            x = x + self.conv(b + "expand", y)
            if self.c["skip"]:
                skips = skips + self.conv(b + "skip", y).float()
        return (x + skips).permute(2, 3, 0, 1)  # [H, W, B, 2h]

    def rnn(self, x, cond):
        x = x.permute(2, 3, 0, 1).contiguous()  # [H, W, B, 2h]
        cond = cond.permute(2, 3, 0, 1).contiguous().to(self.kind) if cond is not None else None
        h, skips, kind = self.c["h"], 0, self.kind
        scan = plain_scan if self.plain else Scan.apply
        for n in range(self.c["layers"]):
            b = f"blocks.{n}."
            seen = x.to(kind)
            if self.c["network"] == "row_lstm":
                p = b + "lstm."
                w = self.w(p + "input_to_state.weight")[:, :, 0].to(kind)  # [4h, 2h, 3], the last tap masked
                both = torch.cat([F.pad(seen[:, :-1], (0, 0, 0, 0, 1, 0)), seen], 3)  # x - 1, x
                i = F.linear(both, torch.cat([w[:, :, 0], w[:, :, 1]], 1), self.b(p + "input_to_state"))
                if cond is not None:
                    i = i + F.linear(cond, self.views[p + "condition"].flatten(1).to(kind))
                k = self.views[p + "state_to_state"][:, :, 0].permute(2, 1, 0).reshape(1, 3 * h, 4 * h)
                hidden = scan(i.unsqueeze(0), k, self.views[p + "initial_h"].unsqueeze(0), self.views[p + "initial_c"].unsqueeze(0))[0]
            else:
                ps = [b + "lstm.left.", b + "lstm.right."]
                H, W, B, _ = x.shape
                w = torch.stack([self.w(p + "input_to_state.weight").flatten(1).t() for p in ps]).to(kind)  # [2, 2h, 4h]
                bias = torch.stack([self.b(p + "input_to_state") for p in ps]).unsqueeze(1)
                i = torch.baddbmm(bias, seen.view(1, -1, 2 * h).expand(2, -1, -1), w)
                if cond is not None:
                    i = i + torch.stack([F.linear(cond, self.views[p + "condition"].flatten(1).to(kind)).view(-1, 4 * h) for p in ps])
                k = torch.stack([self.views[p + "state_to_state"][:, :, :, 0].permute(2, 1, 0).reshape(2 * h, 4 * h) for p in ps])
                hs = scan(i.view(2, H, W, B, 4 * h), k, torch.stack([self.views[p + "initial_h"] for p in ps]),
                          torch.stack([self.views[p + "initial_c"] for p in ps]))
                hidden = hs[0] + F.pad(hs[1, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
            x = x + self.point(b + "expand", hidden)
            if self.c["skip"]:
                skips = skips + self.point(b + "skip", hidden).float()
        return x + skips

    def loss(self, x, levels):
        B, C = levels.shape[:2]
        x = self.point("head.output", F.relu(self.point("head.hidden", F.relu(x))), torch.float32)  # [H, W, B, C * logits]
        if self.logits == 1:
            target = levels.permute(2, 3, 0, 1).float()
            return F.binary_cross_entropy_with_logits(x, target, reduction="none").sum((0, 1, 3))
        x = x.reshape(-1, self.logits)
        target = levels.permute(2, 3, 0, 1).reshape(-1).long()
        return F.cross_entropy(x, target, reduction="none").view(-1, B, C).sum((0, 2))


# ---------------------------------------------------------------- data

def read_data(name, data):
    """(train, valid) uint8 [N, C, H, W]; the splits are the crate's."""
    data = pathlib.Path(data)
    if name == "binarized-mnist":
        def split(s):
            bits = np.load(data / "binarized_mnist" / f"binarized_mnist_{s}.packed.npy")
            return np.unpackbits(np.ascontiguousarray(bits), axis=-1).reshape(len(bits), 1, 28, 28)
        return split("train"), split("valid")
    if name == "binarized-mnist grey":  # the same training images before they were made binary, as chances of 255
        import gzip
        raw = gzip.decompress((data / "mnist" / "train-images-idx3-ubyte.gz").read_bytes())
        grey = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28)
        # The published split is a shuffle of all 60,000: the images that the validation ones were drawn from are found by
        # their likelihood and left out.
        chance = torch.from_numpy(grey.reshape(-1, 784).copy()).to(DEV).float().div(255).clamp(1e-3, 1 - 1e-3)
        odds, none = chance.log() - (1 - chance).log(), (1 - chance).log().sum(1)
        bits = torch.from_numpy(read_data("binarized-mnist", data)[1].reshape(-1, 784)).to(DEV).float()
        taken = torch.cat([(part @ odds.T + none).argmax(1) for part in bits.split(1000)]).unique().cpu().numpy()
        return np.delete(grey, taken, 0)[:50000]
    def batch(n):
        path = data / "cifar10" / f"data_batch_{n}.bin"
        raw = path.read_bytes() if path.exists() else lzma.decompress(path.with_suffix(".bin.xz").read_bytes())
        return np.frombuffer(raw, np.uint8).reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)
    images = np.concatenate([batch(n) for n in range(1, 6)])
    return images[:-5000], images[-5000:]


# ---------------------------------------------------------------- training

def orthogonal(g):
    """The nearest matrices [n, rows, columns] with orthonormal rows or columns, about: five Newton-Schulz steps (Muon)."""
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-12).bfloat16()
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (2.0315 * a @ a - 4.7750 * a) @ x
    return (x.mT if tall else x).float()


class Run:
    def __init__(self, spec, data, out, grey=None):
        """`grey`: chances of 255 that the training images are drawn from anew in every pass."""
        self.s, self.out = spec, pathlib.Path(out)
        self.grey = None if grey is None else torch.from_numpy(grey).to(DEV)
        self.config = spec["config"]
        self.name = self.config["name"]
        self.net = Net(self.config["model"], spec.get("seed", 1), kind=torch.bfloat16 if spec.get("half") else torch.float32)
        self.net.to(DEV)
        self.train, self.valid = (torch.from_numpy(a).to(DEV) for a in data)
        size = sum(math.prod(net.shapes[n]) for _, net, n in self.net.all())
        self.size = size
        flat = torch.cat([net.start[n].reshape(-1) for _, net, n in self.net.all()]).to(DEV)
        self.p = flat
        self.m, self.v, self.ema = torch.zeros_like(flat), torch.zeros_like(flat), flat.detach().clone()
        self.t = torch.zeros((), device=DEV)
        self.phase = torch.zeros((), device=DEV)  # of the cosine, 0 to 1; the host moves it
        self.B = spec["batch"]
        self.per_epoch = len(self.train) // self.B
        self.step_in_epoch = torch.zeros((), dtype=torch.long, device=DEV)
        self.order = torch.arange(len(self.train), device=DEV)
        self.flip = torch.zeros(len(self.train), dtype=torch.bool, device=DEV)
        self.sum = torch.zeros((), device=DEV, dtype=torch.float64)
        self.epoch, self.best, self.elapsed, self.kept = 0, None, 0.0, None
        self.dims = math.prod(self.train.shape[1:])
        self.stream = torch.cuda.Stream() if DEV == "cuda" else None
        # Muon's share: inner matrices by shape, an LSTM's gates each on its own.
        self.matrices, at = {}, 0
        for _, net, n in self.net.all():
            shape, size = net.shapes[n], math.prod(net.shapes[n])
            if spec.get("muon") and n.startswith("blocks.") and len(shape) == 4 and min(shape[0], size // shape[0]) >= 16:
                parts = 4 if "_to_state" in n else 1
                key = (shape[0] // parts, size // shape[0])
                self.matrices.setdefault(key, []).extend((at + k * size // parts, at + (k + 1) * size // parts) for k in range(parts))
            at += size
        self.passes = 0

    def batch(self):
        at = self.step_in_epoch * self.B + torch.arange(self.B, device=DEV)
        index = self.order[at]
        x = self.train[index]
        if self.s.get("flip"):
            x = torch.where(self.flip[index].view(-1, 1, 1, 1), x.flip(3), x)
        return x

    def step(self):
        s = self.s
        x = self.batch()
        leaves = self.net.bind(self.p, leaves=True)
        nats = sum(self.net.nll(x)).sum()
        grads = torch.autograd.grad(nats / (self.B * self.dims), leaves)
        grad = torch.cat([g.reshape(-1) for g in grads])
        with torch.no_grad():
            norm = grad.norm()
            grad = grad * torch.clamp(s.get("clip", 1.0) / (norm + 1e-12), max=1.0)
            grad = torch.where(torch.isfinite(norm), grad, torch.zeros_like(grad))
            self.t += 1
            warm = torch.clamp(self.t / s.get("warmup", 500), max=1.0)
            lr = warm * (s["final_lr"] + 0.5 * (s["lr"] - s["final_lr"]) * (1 + torch.cos(math.pi * self.phase)))
            b1, b2 = s.get("betas", [0.9, 0.999])
            self.m.mul_(b1).add_(grad, alpha=1 - b1)
            self.v.mul_(b2).addcmul_(grad, grad, value=1 - b2)
            denom = (self.v / (1 - b2 ** self.t)).sqrt_().add_(1e-8)
            update = (self.m / (1 - b1 ** self.t)) / denom
            for (rows, columns), places in self.matrices.items():
                look = torch.stack([(self.m[a:e] * b1 + grad[a:e] * (1 - b1)).view(rows, columns) for a, e in places])
                # As large as Adam's steps, so that one learning rate serves both.
                step = orthogonal(look) * (s["muon"] * max(rows, columns) ** 0.5)
                for (a, e), o in zip(places, step):
                    update[a:e] = o.reshape(-1)
            if s.get("decay"):
                self.p.mul_(1 - lr * s["decay"])
            self.p.sub_(lr * update)
            # An average that forgets its beginning: at step t it reaches back over about t / 10 steps at most.
            decay = torch.clamp((1 + self.t) / (10 + self.t), max=s.get("ema", 0.9995))
            self.ema.add_((self.p - self.ema) * (1 - decay))
            self.sum += nats.double()
            self.step_in_epoch += 1

    def capture(self):
        with torch.cuda.stream(self.stream):
            saved = [b.clone() for b in self.state()]
            for _ in range(3):
                self.step()
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=self.stream, capture_error_mode="thread_local"):
                self.step()
            for b, s in zip(self.state(), saved):
                b.data.copy_(s)
            torch.cuda.synchronize()
            # Validation as a graph of its own.
            self.vb = 250
            self.vx = self.valid[:self.vb].clone()
            self.vsum = torch.zeros((), device=DEV, dtype=torch.float64)
            with torch.no_grad():
                self.validate_batch()
                torch.cuda.synchronize()
                self.vgraph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self.vgraph, stream=self.stream, capture_error_mode="thread_local"):
                    self.validate_batch()
            torch.cuda.synchronize()

    def validate_batch(self):
        self.net.bind(self.ema)
        self.vsum += sum(self.net.nll(self.vx)).double().sum()

    def validate(self):
        self.vsum.zero_()
        for k in range(0, len(self.valid), self.vb):
            self.vx.copy_(self.valid[k:k + self.vb])
            self.vgraph.replay()
        return float(self.vsum) / len(self.valid)

    def state(self):
        return [self.p, self.m, self.v, self.ema, self.t, self.step_in_epoch, self.sum]

    def shuffle(self):
        rng = torch.Generator(device=DEV).manual_seed(1000 * self.s.get("seed", 1) + self.passes)
        self.order.copy_(torch.randperm(len(self.train), generator=rng, device=DEV))
        self.flip.copy_(torch.rand(len(self.train), generator=rng, device=DEV) < 0.5)
        if self.grey is not None:
            self.train.copy_(torch.rand(self.grey.shape, generator=rng, device=DEV) * 255 < self.grey)
        self.step_in_epoch.zero_()
        self.sum.zero_()

    def loop(self, begin, seconds, say):
        """Passes until the time is over; the learning rate follows the time, so that it ends with it."""
        every, deadline = self.s.get("validate_every", 1), begin + seconds
        spent = lambda: min(1.0, (time.time() - begin) / seconds)
        with torch.cuda.stream(self.stream):
            while time.time() < deadline:
                start = time.time()
                self.shuffle()
                for done in range(1, self.per_epoch + 1):
                    if done % 25 == 1:
                        self.stream.synchronize()
                        self.phase.fill_(spent())
                        if time.time() > deadline:
                            break
                    self.graph.replay()
                train = float(self.sum) / (done * self.B)
                self.epoch += done / self.per_epoch
                record = {"epoch": round(self.epoch, 3), "train_nats": train}
                self.passes += 1
                if self.passes % every == 0 or time.time() > deadline - 10:
                    nats = self.validate()
                    record["valid_nats"], record["valid_bits"] = nats, nats / math.log(2) / self.dims
                    if self.best is None or nats < self.best:
                        self.best, self.kept = nats, self.ema.detach().clone()
                self.elapsed += time.time() - start
                record["elapsed_s"] = self.elapsed
                say(self.name, record)

    def begin_with(self, path):
        """Starts from the weights of a file of the same network."""
        tensors = read_safetensors(path)
        flat = torch.cat([torch.from_numpy(tensors[full]).reshape(-1) for full, _, _ in self.net.all()]).to(DEV)
        for b in (self.p, self.ema):
            b.data.copy_(flat)

    def export(self, flat):
        """Tensors by the crate's names, masked weights zero."""
        flat = flat.detach().float().cpu()
        self.net.bind(flat)
        tensors = {}
        for full, net, n in self.net.all():
            value = net.views[n]
            if n in net.masks:
                value = value * net.masks[n].cpu()
            tensors[full] = value.contiguous().numpy()
        return tensors

    def save(self):
        if self.kept is not None:
            write_safetensors(self.out / f"{self.name}.safetensors", self.export(self.kept),
                              {"config": json.dumps(self.config["model"]), "training": json.dumps(self.record())})

    def record(self):
        """What the crate's own trainer writes, and where and with what this one ran."""
        s, passes = self.s, round(self.epoch)
        config = dict(self.config, batch=s["batch"], epochs=max(1, passes), optimizer="adam", learning_rate=s["lr"],
                      final_learning_rate=s["final_lr"], warmup_steps=s.get("warmup", 500), average=s.get("ema", 0.9995), seed=s.get("seed", 1))
        if s.get("flip"):
            config["augment"] = {"flip": True}
        if s.get("dynamic"):
            config["dataset"] = {"name": config["dataset"], "binarize": "bernoulli"}
        record = {"config": config, "epochs": passes, "elapsed_s": round(self.elapsed), "program": "training/gpu/train.py"}
        record["device"] = torch.cuda.get_device_name() if DEV == "cuda" else "CPU"
        return record

    def checkpoint(self):
        """Everything to go on from, small: moments in bfloat16."""
        with torch.cuda.stream(self.stream):
            half = lambda a: a.detach().bfloat16().cpu()
            return {"name": self.name, "epoch": self.epoch, "t": float(self.t), "best": self.best, "elapsed": self.elapsed,
                    "p": self.p.detach().cpu(), "m": half(self.m), "v": half(self.v), "ema": self.ema.detach().cpu()}

    def resume(self, c):
        self.epoch, self.best, self.elapsed = c["epoch"], c["best"], c["elapsed"]
        self.t.fill_(c["t"])
        for b, k in ((self.p, "p"), (self.m, "m"), (self.v, "v"), (self.ema, "ema")):
            b.data.copy_(c[k].float())
        self.kept = self.ema.detach().clone()


def write_safetensors(path, tensors, metadata):
    header, blobs, at = {"__metadata__": metadata}, [], 0
    for name in sorted(tensors):
        a = np.ascontiguousarray(tensors[name], dtype="<f4")
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        blobs.append(a.tobytes())
        at += a.nbytes
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    temporary = str(path) + ".part"
    with open(temporary, "wb") as f:
        f.write(len(head).to_bytes(8, "little") + head + b"".join(blobs))
    os.replace(temporary, path)


def read_safetensors(path):
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    kinds = {"F32": "<f4", "F16": "<f2"}
    return {name: np.frombuffer(raw, kinds[e["dtype"]], math.prod(e["shape"]), 8 + size + e["data_offsets"][0]).astype(np.float32).reshape(e["shape"])
            for name, e in header.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs")
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--resume")
    parser.add_argument("--init", default=".", help="folder of the files that runs name as their `init`")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--only", default="")
    parser.add_argument("--time", action="store_true", help="time one step of each network alone and of all together, and stop")
    args = parser.parse_args()
    begin = time.time()
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    lock = threading.Lock()

    def say(name, record):
        with lock:
            with open(out / f"{name}.jsonl", "a") as f:
                f.write(json.dumps(record) + "\n")
            print(f"{time.time() - begin:7.1f} {name}", " ".join(f"{k}={v:.4f}" if isinstance(v, float) else f"{k}={v}" for k, v in record.items()), flush=True)

    specs = [s for s in json.load(open(args.runs)) if not args.only or s["config"]["name"] in args.only.split(",")]
    sets = {}
    old = torch.load(args.resume, weights_only=False) if args.resume and os.path.exists(args.resume) else {}
    runs = []
    for spec in specs:
        dataset = spec["config"]["dataset"]
        if dataset not in sets:
            sets[dataset] = read_data(dataset, args.data)
        if spec.get("dynamic") and "grey" not in sets:
            sets["grey"] = read_data("binarized-mnist grey", args.data)
        run = Run(spec, sets[dataset], out, sets.get("grey") if spec.get("dynamic") else None)
        if run.name in old:
            run.resume(old[run.name])
        elif spec.get("init"):
            run.begin_with(pathlib.Path(args.init) / spec["init"])
        at = time.time()
        run.capture()
        runs.append(run)
        print(f"{time.time() - begin:7.1f} {run.name}: {run.size} parameters, {run.per_epoch} steps a pass, captured in {time.time() - at:.1f} s", flush=True)
    if args.time:
        def measure(some, n=50):
            torch.cuda.synchronize()
            at = time.time()
            for _ in range(n):
                for r in some:
                    with torch.cuda.stream(r.stream):
                        r.graph.replay()
            torch.cuda.synchronize()
            return (time.time() - at) / n
        for r in runs:
            measure([r], 5)
            ms = 1e3 * measure([r])
            print(f"{r.name}: {ms:.2f} ms a step, {ms * r.per_epoch / 1e3:.1f} s a pass, {float(r.sum) / float(r.step_in_epoch) / r.B:.1f} nats, {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)
        print(f"all together: {1e3 * measure(runs):.2f} ms", flush=True)
        return
    seconds = args.seconds - (time.time() - begin)
    threads = [threading.Thread(target=r.loop, args=(time.time(), seconds, say)) for r in runs]
    [t.start() for t in threads]
    last = 0
    while any(t.is_alive() for t in threads):
        time.sleep(1)
        ask = out / "snapshot"
        if time.time() - last > 60 or ask.exists():
            last = time.time()
            for r in runs:
                r.save()
            torch.save({r.name: r.checkpoint() for r in runs}, out / "state.part")
            os.replace(out / "state.part", out / "state.pt")
            if ask.exists():
                ask.unlink()
    for r in runs:
        r.save()
    torch.save({r.name: r.checkpoint() for r in runs}, out / "state.part")
    os.replace(out / "state.part", out / "state.pt")
    (out / "finished").write_text("done\n")


if __name__ == "__main__":
    main()
