#!/usr/bin/python3
"""Online training of 784-1024-256-10 in PyTorch, the peer of BenchmarkLearn.

One sample, one update: ReLU, cross-entropy, plain SGD in float32. Two ways are timed:

  autograd   torch.nn and backward(), gradients set to None, the update in place
  manual     the same mathematics written out without autograd: matrix-vector products and in-place rank-1
             updates (addr_), which is as little work as PyTorch can be asked to do

Prints one JSON object: samples per second over all batches of 20 samples and in the best of them, which other work on
the machine disturbs least. The reference BLAS that Debian installs by default makes PyTorch slow; apt-get install
libopenblas0-pthread for a fair peer.
"""
import argparse
import json
import sys
import time

import torch


def samples(n):
    """Ten classes of 784 pixels; each class has 300 of its own and a sample lights half of them: 19% are not zero."""
    g = torch.Generator().manual_seed(1)
    classes = [torch.randperm(784, generator=g)[:300] for _ in range(10)]
    xs, ys = torch.zeros(n, 784), torch.randint(10, (n,), generator=g)
    for i in range(n):
        p = classes[ys[i]][torch.rand(300, generator=g) < 0.5]
        xs[i, p] = torch.randint(1, 256, (len(p),), generator=g) / 255
    return xs, ys


def autograd(rate):
    net = torch.nn.Sequential(
        torch.nn.Linear(784, 1024), torch.nn.ReLU(),
        torch.nn.Linear(1024, 256), torch.nn.ReLU(),
        torch.nn.Linear(256, 10))
    params = list(net.parameters())
    loss = torch.nn.CrossEntropyLoss()

    def learn(x, y):
        loss(net(x), y).backward()
        with torch.no_grad():
            torch._foreach_add_(params, [p.grad for p in params], alpha=-rate)
        for p in params:
            p.grad = None

    return learn


def manual(rate):
    sizes = [784, 1024, 256, 10]
    ws = [torch.randn(o, i) * (2 / i) ** 0.5 for i, o in zip(sizes, sizes[1:])]
    bs = [torch.zeros(o) for o in sizes[1:]]

    def learn(x, y):
        h0 = x[0]
        h1 = torch.addmv(bs[0], ws[0], h0).relu_()
        h2 = torch.addmv(bs[1], ws[1], h1).relu_()
        d3 = torch.softmax(torch.addmv(bs[2], ws[2], h2), 0)
        d3[y] -= 1
        d2 = torch.mv(ws[2].t(), d3).mul_(h2 > 0)
        d1 = torch.mv(ws[1].t(), d2).mul_(h1 > 0)
        for w, b, d, h in zip(ws, bs, (d1, d2, d3), (h0, h1, h2)):
            w.addr_(d, h, alpha=-rate)
            b.add_(d, alpha=-rate)

    def without_grad(x, y):
        with torch.inference_mode():
            learn(x, y)

    return without_grad


def timed(learn, xs, ys, seconds):
    for i in range(100):
        learn(xs[i:i + 1], ys[i:i + 1])
    best, n, i = float("inf"), 0, 0
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        t = time.perf_counter()
        for _ in range(20):
            learn(xs[i:i + 1], ys[i:i + 1])
            i = (i + 1) % len(xs)
        best = min(best, time.perf_counter() - t)
        n += 20
    return {"samples_per_second": n / (time.perf_counter() - start), "best_samples_per_second": 20 / best}


def blas():
    """Which BLAS the process has loaded."""
    with open("/proc/self/maps") as maps:
        names = {line.split("/")[-1].strip() for line in maps if "blas" in line or "mkl_rt" in line}
    for name in ("openblas", "mkl", "blis"):
        if any(name in n for n in names):
            return name
    return "reference BLAS" if names else "built-in BLAS"


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--seconds", type=float, default=5, help="of each way")
    a.add_argument("--check", action="store_true", help="only see whether PyTorch is there")
    args = a.parse_args()
    if args.check:
        sys.exit(0)
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    torch.set_flush_denormal(True)
    xs, ys = samples(1000)
    ways = {"autograd": timed(autograd(0.01), xs, ys, args.seconds), "manual": timed(manual(0.01), xs, ys, args.seconds)}
    print(json.dumps({"peer": "PyTorch " + torch.__version__, "blas": blas(), "threads": args.threads, "ways": ways}))


if __name__ == "__main__":
    main()
