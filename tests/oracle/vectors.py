#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vectors.py - files of embeddings as NumPy, h5py and json write them: the same vectors give the same tables.

usage: vectors.py LIKENESS
"""
import csv
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

try:
    import numpy as np
except ImportError:
    print("NumPy is not installed (python3-numpy)")
    sys.exit(77)
try:
    import h5py
except ImportError:
    print("h5py is not installed (python3-h5py)")
    sys.exit(77)

LIKENESS = os.path.realpath(sys.argv[1])
TABLES = ("pairs.csv", "nearest.csv", "nearest_identities.csv", "references.csv", "histogram.csv")
rng = np.random.default_rng(4)


def match(a, b, *more, code=0):
    subprocess.run(["rm", "-rf", "m"], check=True)
    done = subprocess.run([LIKENESS, "match", a, b, "-o", "m", *more], capture_output=True, text=True)
    assert done.returncode == code, (a, b, done.returncode, done.stderr)
    return done.stderr


def tables():
    return {name: open("m/" + name, "rb").read() for name in TABLES}


def table(name):
    with open("m/" + name, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def meta():
    with open("m/meta.json", encoding="utf-8") as f:
        return json.load(f)


def write_fvecs(name, array):
    with open(name, "wb") as f:
        for row in array.astype("<f4"):
            f.write(struct.pack("<i", len(row)) + row.tobytes())


def write_lines(name, array, more=lambda i: {}):
    with open(name, "w", encoding="utf-8") as f:
        for i, row in enumerate(array.tolist()):
            f.write(json.dumps({**more(i), "embedding": row}) + "\n")


def write_h5(name, array, **how):
    with h5py.File(name, "w") as f:
        f.create_dataset("faces", data=array, **how)


# ---- the same vectors ------------------------------------------------------------------------------------------


def write_all(stem, array):
    """Every way to write float32 values that f2, f4 and f8 hold exactly, and that have labels nowhere."""
    np.save(stem + ".npy", array)
    for kind in ("<f2", "<f8", ">f2", ">f4", ">f8"):
        np.save(f"{stem}{kind[1:]}{'be' if kind[0] == '>' else ''}.npy", array.astype(kind))
    for kind in ("<f4", "<f8"):
        np.save(f"{stem}F{kind[1:]}.npy", np.asfortranarray(array.astype(kind)))
    np.savez(stem + "_stored.npz", array)
    np.savez_compressed(stem + "_deflated.npz", faces=array.astype("f8"), count=np.int64(len(array)))
    np.savez_compressed(stem + "_fortran.npz", faces=np.asfortranarray(array))
    np.savez(stem + "_two.npz", faces=array, other=array[:, :3])
    write_fvecs(stem + ".fvecs", array)
    write_h5(stem + ".h5", array)
    write_h5(stem + "_packed.h5", array, chunks=(7, 5), compression="gzip", shuffle=True, fletcher32=True)
    write_h5(stem + "_half.h5", array.astype("<f2"), chunks=(61, 3))
    write_h5(stem + "_big.h5", array.astype(">f8"))
    with h5py.File(stem + "_groups.h5", "w", userblock_size=1024, libver="latest") as f:
        f["a/faces"], f["b/other"], f["b/count"] = array, array[:, :3], len(array)
    write_lines(stem + ".jsonl", array)
    with open(stem + ".json", "w", encoding="utf-8") as f:
        json.dump([{"embedding": row} for row in array.tolist()], f, indent=2)
    return (["f2.npy", "f8.npy", "f2be.npy", "f4be.npy", "f8be.npy", "Ff4.npy", "Ff8.npy", "_stored.npz", "_deflated.npz",
             "_fortran.npz", "_two.npz:faces", ".fvecs", ".h5", "_packed.h5", "_half.h5", "_big.h5",
             "_groups.h5:a/faces", "_groups.h5:/a/faces", ".jsonl", ".json"])


def check_same():
    a = (rng.integers(-500, 500, (61, 24)) / 256).astype("<f4")
    b = (rng.integers(-500, 500, (83, 24)) / 256).astype("<f4")
    endings = write_all("a", a)
    write_all("b", b)
    match("a.npy", "b.npy")
    want = tables()
    for i, ending in enumerate(endings):
        match("a" + ending, "b" + endings[(i + 7) % len(endings)])
        assert tables() == want, ending
    assert meta()["probes"]["array"] is None
    match("a_two.npz:faces", "b.h5")
    assert (meta()["probes"]["array"], meta()["references"]["array"]) == ("faces", "faces")
    done = subprocess.run([LIKENESS, "match", "a_two.npz:other", "b_two.npz:other", "-o", "m"], capture_output=True, text=True)
    assert done.returncode == 1 and "embeddings of probes, embeddings of references" in done.stderr, done.stderr
    return len(endings)


def check_rounded():
    """Numbers that float32 does not hold are rounded to nearest, as NumPy rounds them."""
    a, b = rng.normal(size=(40, 16)), rng.normal(size=(50, 16))
    np.save("f4a.npy", a.astype("<f4")), np.save("f4b.npy", b.astype("<f4"))
    match("f4a.npy", "f4b.npy")
    want = tables()
    np.save("f8a.npy", a), write_h5("f8b.h5", b)
    match("f8a.npy", "f8b.h5")
    assert tables() == want
    write_lines("f8a.jsonl", a), np.savez("f8b.npz", b)
    match("f8a.jsonl", "f8b.npz")
    assert tables() == want
    np.save("h4a.npy", a.astype("<f2").astype("<f4")), np.save("h2a.npy", a.astype("<f2"))
    match("h4a.npy", "f4b.npy")
    want = tables()
    match("h2a.npy", "f4b.npy")
    assert tables() == want
    return 3


# ---- labels ----------------------------------------------------------------------------------------------------


def check_labels():
    a = rng.normal(size=(12, 8)).astype("<f4")
    np.save("ref.npy", a)
    people = ["%d" % (i // 3) for i in range(12)]
    paths = ["é ü/%d,%d.jpg" % (i // 3, i) for i in range(12)]
    np.savez("l1.npz", x=a, labels=np.arange(12, dtype=">i2") // 3, paths=np.array(paths))
    np.savez("l2.npz", x=a, identity=np.array(people, "S"), filenames=np.array([p.encode() for p in paths]))
    with h5py.File("l3.h5", "w") as f:
        f["g/x"], f["g/labels"], f["g/paths"], f["labels"] = a, np.arange(12) // 3, paths, np.zeros(12)
    with h5py.File("l4.h5", "w") as f:
        f["x"], f["identity"] = a, np.array(people, "S3")
        f["path"] = np.array([p.encode() for p in paths])
    write_lines("l5.jsonl", a, lambda i: {"identity": i // 3, "path": paths[i]})
    np.save("l6.npy", a)
    with open("l6.npy.labels.csv", "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([("path", "identity")] + list(zip(paths, people)))
    np.save("l7.npy", a)
    with open("l7.npy.labels.csv", "w", encoding="utf-8", newline="") as f:
        csv.writer(f).writerows([("label", "row", "file", "age")] + [(people[i], i, paths[i], 7) for i in range(11, -1, -1)])
    for name in ("l1.npz", "l2.npz", "l3.h5", "l4.h5", "l5.jsonl", "l6.npy", "l7.npy"):
        said = match(name, "ref.npy")
        assert meta()["probes"]["identities"] == 4, name
        for row in table("pairs.csv"):
            i = int(row["probe"])
            assert (row["probe_path"], row["probe_identity"]) == (paths[i], people[i]), (name, row)
            assert row["reference_path"] == row["reference_identity"] == ""
        assert ("labels of the rows are taken from" in said) == (name in ("l6.npy", "l7.npy")), said
    write_lines("l8.jsonl", a, lambda i: {"identity": people[i], "image_name": "%d.jpg" % i} if i != 5 else {})
    match("l8.jsonl", "ref.npy")
    for row in table("pairs.csv"):
        i = int(row["probe"])
        assert row["probe_path"] == ("" if i == 5 else "%s/%d.jpg" % (people[i], i)), row
    np.savez("l9.npz", x=a, labels=np.arange(11), paths=np.array(paths, object))
    said = match("l9.npz", "ref.npy")
    assert said.count("is left aside: expected 12 texts or whole numbers") == 2, said
    done = subprocess.run([LIKENESS, "calibrate", "--force-fmr", "l1.npz"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for text, why in (("path,identity\n1,2\n", "1 lines of labels for 12 rows"),
                      ("row,identity\n12,2\n", "line 2: row 12, but there are 12 rows"),
                      ("row,identity\n1,2\n1,3\n", "line 3: row 1 a second time"),
                      ("age\n1\n", "no column 'identity' or 'path'")):
        with open("l6.npy.labels.csv", "w", encoding="utf-8") as f:
            f.write(text)
        said = match("l6.npy", "ref.npy", code=1)
        assert why in said and "l6.npy.labels.csv" in said, said
    return 9


# ---- rows ------------------------------------------------------------------------------------------------------


def check_rows():
    a = rng.normal(size=(300, 8)).astype("<f4")
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    a[7], a[9, 3], a[11, 0] = 0, np.nan, np.inf
    a[20], a[21] = 0.5, -3e-20
    a[200], a[201], a[250] = a[3], a[3], a[20]
    a[30] *= 4
    a[31] = a[30]
    np.save("rows.npy", a)
    np.save("clean.npy", np.eye(8, dtype="<f4"))
    said = match("rows.npy", "clean.npy", code=3)
    for line in ("2 of 300 rows are left out, being not finite: 9, 11\n", "1 of 300 rows are left out, being zero: 7\n",
                 "3 of 300 rows hold the same number throughout, which no recogniser gives: 20, 21, 250\n",
                 "4 of 300 rows repeat an earlier row exactly: 31 (= 30), 200 (= 3), 201 (= 3), 250 (= 20)\n",
                 " of 300 rows were not of length 1 and are scaled to it"):
        assert line in said, (line, said)
    found = meta()["probes"]
    assert found["excluded"] == [7, 9, 11]
    checks = found["checks"]
    lengths = np.linalg.norm(np.delete(a, (7, 9, 11), 0).astype("f8"), axis=1)
    off = lengths[np.abs(lengths - 1) > 1e-5]
    assert checks["not_finite"] == {"rows": 2, "first": [9, 11]} and checks["zero"] == {"rows": 1, "first": [7]}
    assert checks["constant"] == {"rows": 3, "first": [20, 21, 250]}
    assert checks["duplicate"] == {"rows": 4, "first": [31, 200, 201, 250], "same_as": [30, 3, 3, 20]}
    assert checks["scaled"]["rows"] == len(off)
    assert np.allclose((checks["scaled"]["shortest"], checks["scaled"]["longest"]), (off.min(), off.max()), 1e-12)
    assert meta()["references"]["checks"]["scaled"] == {"rows": 0, "shortest": None, "longest": None}
    lines = a.astype(object)
    lines[11, 0] = None  # Python's json writes NaN for NaN, null for None
    write_lines("rows.jsonl", lines)
    want = tables()
    match("rows.jsonl", "clean.npy", code=3)
    assert tables() == want and meta()["probes"]["excluded"] == [7, 9, 11]
    write_lines("infinite.jsonl", np.array([[1, 0], [np.inf, 1], [-np.inf, 0], [0, 1]], object))
    np.save("two.npy", np.eye(2, dtype="<f4"))
    match("infinite.jsonl", "two.npy", code=3)
    assert meta()["probes"]["excluded"] == [1, 2]
    return len(checks)


# ---- what is refused -------------------------------------------------------------------------------------------


def patched_size(data, size):
    """The .npz with another unpacked size in its tables."""
    for magic, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        i = data.index(magic) + at
        data = data[:i] + struct.pack("<I", size) + data[i + 4:]
    return data


def bomb():
    stream = io.BytesIO()
    rows = 3 << 19
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (rows, 512)})
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("x.npy", head.getvalue() + bytes(2000000))
    return patched_size(stream.getvalue(), len(head.getvalue()) + rows * 2048)


def make_bad():
    a = rng.normal(size=(30, 8)).astype("<f4")
    good = io.BytesIO()
    np.savez(good, x=a)
    good = good.getvalue()
    bad = {
        "cut.npz": (good[:-30], "not a complete .npz"),
        "crc.npz": (good[:300] + bytes([good[300] ^ 1]) + good[301:], "CRC"),
        "bomb.npz": (bomb(), "embeddings hardly shrink"),
        "empty.npz": (b"PK\5\6" + bytes(18), "not a complete .npz"),
        "cut.fvecs": (struct.pack("<i8f", 8, *a[0]) + b"123", "are no whole number of vectors"),
        "length.fvecs": (struct.pack("<i2fi2f", 2, 1, 2, 3, 1, 2), "vector 1 (byte 12) has the length 3, expected 2"),
        "first.fvecs": (struct.pack("<i2f", -1, 1, 2), "the first vector has the length 4294967295"),
        "short.jsonl": (b'{"embedding": [1, 2]}\n\n{"embedding": [1]}\n', "line 3: a vector of 1 numbers, expected 2"),
        "text.jsonl": (b'{"embedding": [1, 2]}\n{"embedding": [1, "2"]}', "line 2: element 1 of the vector is not a number"),
        "none.jsonl": (b'{"vectors": [1, 2]}\n', 'line 1: no array "embedding"'),
        "cut.jsonl": (b'{"embedding": [1, 2]}\n{"embedding": [1,', "line 2: the object that starts here is not closed"),
        "broken.jsonl": (b'{"embedding": [1, 2]}\n{"embedding": [1 2]}', "line 2: ']' expected near '2'"),
        "words.jsonl": (b'{"embedding": [1, Nah]}', "line 1:"),
        "comma.jsonl": (b'{"embedding": [1]},{"embedding": [1]}', "line 1: found ','"),
        "open.json": (b'[{"embedding": [1]}', "line 1: the array of objects is not closed"),
        "plain.json": (b'[[1, 2], [3, 4]]', "line 1: found '[', expected an object"),
        "other.bin": (b"hello", "not a file of embeddings that is known"),
    }
    for name, (data, _) in bad.items():
        with open(name, "wb") as f:
            f.write(data)
    np.savez("two.npz", x=a, y=a)
    np.savez("flat.npz", x=a[0])
    np.savez("object.npz", x=np.full((2, 2), None))
    np.savez("none.npz", x=a[0], y=a[0])
    refused = {name: why for name, (_, why) in bad.items()}
    refused.update({"two.npz": "2 arrays could be meant; say which as FILE.npz:ARRAY; there are: x, y",
                    "two.npz:z": "no array 'z'; there are: x, y", "flat.npz": "array 'x': the array has 1 dimension",
                    "object.npz": "pickled Python objects", "none.npz": "none of the arrays is two-dimensional",
                    "other.bin:x": "only .npz and HDF5 files hold several", "missing.npz:x": "cannot open"})
    return refused


def make_bad_hdf5():
    a = rng.normal(size=(300, 8)).astype("<f4")
    write_h5("whole.h5", a, chunks=(100, 8), compression="gzip")
    data = open("whole.h5", "rb").read()
    open("cut.h5", "wb").write(data[:len(data) // 2])
    write_h5("lzf.h5", a, compression="lzf")
    write_h5("ints.h5", np.ones((3, 3), "i4"))
    write_h5("cube.h5", np.ones((3, 3, 3), "f4"))
    with h5py.File("unwritten.h5", "w") as f:
        f.create_dataset("faces", (1 << 20, 512), "f4", chunks=(1024, 512))
    with h5py.File("external.h5", "w") as f:
        f.create_dataset("faces", (300, 8), "f4", external=[("/etc/passwd", 0, 300 * 32)])
    layout = h5py.VirtualLayout((300, 8), "f4")
    layout[:] = h5py.VirtualSource("whole.h5", "faces", (300, 8))
    with h5py.File("virtual.h5", "w") as f:
        f.create_virtual_dataset("faces", layout)
    with h5py.File("link.h5", "w") as f:
        f["faces"] = h5py.ExternalLink("whole.h5", "faces")
        f["one"] = 1.0
    with h5py.File("none.h5", "w") as f:
        f.create_group("faces")
    return {"cut.h5": "the HDF5 library cannot open it", "lzf.h5": "packed with the HDF5 filter 32000",
            "ints.h5": "not floats", "cube.h5": "3 dimensions", "unwritten.h5": "embeddings hardly shrink",
            "external.h5": "its data lie in other files", "virtual.h5": "put together from other datasets",
            "link.h5:faces": "no dataset 'faces'; there are: one", "none.h5": "the file holds no datasets"}


def check_refused():
    refused = {**make_bad(), **make_bad_hdf5()}
    np.save("good.npy", np.eye(8, dtype="<f4"))
    for name, why in refused.items():
        said = match(name, "good.npy", code=1)
        assert why in said and name.split(":")[0] in said, (name, said)
        assert len(said.splitlines()) == 1, (name, said)
    return len(refused)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    counts = check_same(), check_rounded(), check_labels(), check_rows(), check_refused()
    os.chdir("/")
print("%d ways to write the same, %d rounded, %d with labels, %d checks of rows, %d refused" % counts)
