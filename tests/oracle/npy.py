#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""npy.py - .npy files against NumPy itself: every accepted type and format version, refused ones, and back.

usage: npy.py NPY_IO
"""
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed (python3-numpy)")
    sys.exit(77)

NPY_IO = sys.argv[1]


def read(path):
    out = subprocess.run([NPY_IO, "read", path], capture_output=True, check=True).stdout
    first, rest = out.split(b"\n", 1)
    if first.startswith(b"refused "):
        return first.decode()
    rows, dim = map(int, first.split())
    return np.frombuffer(rest, "<f4").reshape(rows, dim)


def save(path, array, version):
    with open(path, "wb") as f, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "can only be read by new NumPy"
        np.lib.format.write_array(f, array, version)


def values(rng, shape, dtype):
    """Any bit pattern: subnormal, infinite and NaN included; every float16 there is in the largest shape."""
    if dtype == "<f2" and shape[0] * shape[1] == 65536:
        return np.arange(65536, dtype="<u2").view("<f2").reshape(shape)
    size = np.dtype(dtype).itemsize
    return rng.integers(0, 256, shape + (size,), dtype=np.uint8).view(dtype).reshape(shape)


def check_accepted(folder):
    rng = np.random.default_rng(1)
    n = 0
    for dtype in ("<f2", "<f4", "<f8", ">f2", ">f4", ">f8"):
        for shape in ((0, 7), (1, 1), (3, 5), (2, 4096), (1000, 1), (256, 256)):
            for version in ((1, 0), (2, 0), (3, 0)):
                array = values(rng, shape, dtype)
                if version == (2, 0):
                    array = np.asfortranarray(array)
                save(folder + "/a.npy", array, version)
                with np.errstate(all="ignore"):
                    want = array.astype("<f4")
                got = read(folder + "/a.npy")
                assert not isinstance(got, str), (dtype, shape, version, got)
                assert got.shape == shape
                same = (got.view("<u4") == want.view("<u4")) | (np.isnan(got) & np.isnan(want))
                assert same.all(), (dtype, shape, version, array[~same][:5], got[~same][:5])
                n += 1
    return n


def check_refused(folder):
    bad = {
        "int32": np.ones((2, 2), "<i4"), "uint8": np.ones((2, 2), "u1"), "bool": np.ones((2, 2), bool),
        "complex": np.ones((2, 2), "<c8"),
        "text": np.full((2, 2), "ab"), "bytes": np.full((2, 2), b"ab"), "time": np.zeros((2, 2), "<M8[s]"),
        "long double": np.ones((2, 2), np.longdouble),
        "objects": np.full((2, 2), None), "records": np.zeros((2, 2), [("a", "<f4")]),
        "flat": np.ones(4, "<f4"), "cube": np.ones((1, 2, 2), "<f4"), "scalar": np.float32(1),
        "no columns": np.ones((3, 0), "<f4"),
        "too wide": np.ones((1, 65537), "<f4"),
    }
    for name, array in bad.items():
        np.save(folder + "/b.npy", array, allow_pickle=True)
        got = read(folder + "/b.npy")
        assert isinstance(got, str) and "expected" in got, (name, got)
    np.savez(folder + "/c.npz", a=np.ones((2, 2), "<f4"))
    assert ".npz" in read(folder + "/c.npz")
    return len(bad) + 1


def check_written(folder):
    shapes = ((0, 512), (1, 1), (3, 5), (1000, 128))
    for shape in shapes:
        subprocess.run([NPY_IO, "write", str(shape[0]), str(shape[1]), folder + "/d.npy"], check=True)
        got = np.load(folder + "/d.npy", allow_pickle=False)
        assert got.dtype == np.dtype("<f4") and got.flags.c_contiguous
        assert (got == np.arange(shape[0] * shape[1], dtype="<f4").reshape(shape)).all()
    return len(shapes)


with tempfile.TemporaryDirectory() as folder:
    counts = check_accepted(folder), check_refused(folder), check_written(folder)
    print("%d accepted, %d refused, %d written" % counts)
