#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""device_torch.py - what the card's libraries make of the same job: cuBLAS products alone, and with top-k behind them.

Needs PyTorch with CUDA. Whole job: 500,000 x 490,623 x 512; a slice of the probes is timed and scaled up."""
import sys
import time

import torch

PROBES, REFERENCES, DIM, BLOCK, R = 500_000, 490_623, 512, 4096, 10
SLICE = int(sys.argv[1]) if len(sys.argv) > 1 else 32_768


def timed(work, repeats):
    for _ in range(2):
        work()
    torch.cuda.synchronize()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def main():
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    torch.manual_seed(1)
    n = 8192
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        a, b = (torch.randn(n, n, device="cuda").to(dtype) for _ in range(2))
        print(f"{name} {n}^3 matmul: {2 * n**3 / timed(lambda: a @ b.T, 20) / 1e12:.0f} TFLOP/s")
    a, b = (torch.randint(-60, 61, (n, n), device="cuda", dtype=torch.int8) for _ in range(2))
    print(f"int8 {n}^3 _int_mm (cuBLASLt): {2 * n**3 / timed(lambda: torch._int_mm(a, b.T), 20) / 1e12:.0f} Top/s")
    x, y = (torch.nn.functional.normalize(torch.randn(rows, DIM, device="cuda")) for rows in (SLICE, REFERENCES))
    xi, yi = ((v * 127 / v.abs().amax(1, keepdim=True)).round().to(torch.int8) for v in (x, y))
    yi = torch.cat([yi, yi.new_zeros((-REFERENCES) % 16, DIM)])
    scale = PROBES / SLICE
    for name, dtype in (("fp32", torch.float32), ("tf32", torch.float32), ("bf16", torch.bfloat16), ("int8", torch.int8)):
        torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
        p, q = (xi, yi) if name == "int8" else (x.to(dtype), y.to(dtype))

        def multiply(i):
            return torch._int_mm(p[i : i + BLOCK], q.T) if name == "int8" else p[i : i + BLOCK] @ q.T

        def products():
            for i in range(0, SLICE, BLOCK):
                multiply(i)

        def search(k):
            for i in range(0, SLICE, BLOCK):
                multiply(i).topk(k, dim=1)

        seconds = scale * timed(products, 3)
        rate = 2 * PROBES * REFERENCES * DIM / seconds / 1e12
        print(f"{name}: products alone {seconds:.3f} s ({rate:.0f} Top/s), with the {R} closest of each probe "
              f"{scale * timed(lambda: search(R), 3):.3f} s, with the closest {scale * timed(lambda: search(1), 3):.3f} s")


main()
