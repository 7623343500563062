#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the table in lib/vision/align.c that turns BlazeFace's four points into the template's five.

    likeness embed -m sface --detector blazeface PICTURES -o four
    likeness embed -m sface --detector yunet PICTURES -o five
    bench/fit_points.py four five

The table in use came from 900 generated faces (300 each of StyleGAN2, Stable Diffusion 2.1 and stock-like portraits), never from LFW. YuNet
is the teacher because its weights are free (MIT): the default pair must not depend on a restricted model.
"""
import csv
import sys

import numpy as np

FOUR = ["left_eye", "right_eye", "nose", "mouth"]
FIVE = ["left_eye", "right_eye", "nose", "mouth_left", "mouth_right"]
MIRRORED = [1, 0, 2, 4, 3]


def points(folder, names):
    """The faces of a FACES directory as complex numbers by path."""
    with open(folder + "/images.csv", newline="", encoding="utf-8", errors="surrogateescape") as table:
        return {
            line["path"]: [complex(float(line[n + "_x"]), float(line[n + "_y"])) for n in names]
            for line in csv.DictReader(table)
            if line["status"] == "ok"
        }


def fit(four, five):
    """Weights (5 inputs x 5 points, complex) of the frame of the eyes, and how many faces they come from."""
    middle, eyes = (four[:, 0] + four[:, 1]) / 2, four[:, 1] - four[:, 0]
    z = (four - middle[:, None]) / eyes[:, None]
    y = (five - middle[:, None]) / eyes[:, None]
    x = np.stack([z[:, 2].real, z[:, 2].imag, z[:, 3].real, z[:, 3].imag, np.ones(len(z))], 1)
    use = np.abs(y - np.median(y, 0)).max(1) < 1  # the two detectors mean the same face
    x = np.concatenate([x, x * [-1, 1, -1, 1, 1]])
    y = np.concatenate([y, -np.conj(y[:, MIRRORED])])
    use = np.concatenate([use, use])
    for _ in range(3):
        ridge = 1e-3 * use.sum() * np.diag([1, 0, 1, 0, 0])
        weights = np.linalg.solve(x[use].T @ x[use] + ridge, x[use].T @ y[use])
        residual = np.abs(y - x @ weights).mean(1)
        use = residual < 3 * np.median(residual)
    return weights, int(use.sum())


def main():
    four, five = points(sys.argv[1], FOUR), points(sys.argv[2], FIVE)
    both = sorted(set(four) & set(five))
    weights, used = fit(np.array([four[p] for p in both]), np.array([five[p] for p in both]))
    print(f"{used} of {2 * len(both)} faces and mirror images", file=sys.stderr)
    for column in weights.T:
        print("    {%s}," % ", ".join("{" + ", ".join(f"{v + 0:.4f}" for v in part) + "}" for part in (column.real, column.imag)))


if __name__ == "__main__":
    main()
