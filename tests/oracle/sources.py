#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sources.py - sets of pictures as others pack them: Python's tarfile and zipfile, and Debian's tar and zip.

usage: sources.py SOURCE_PROBE
"""
import gzip
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
import zipfile

PROBE = os.path.abspath(sys.argv[1])
random.seed(1)


def probe(*args, fails=None):
    done = subprocess.run([PROBE, *args], capture_output=True, check=False)
    out, err = done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "replace")
    if fails is not None:
        assert done.returncode == 1 and fails in err, (args, done.returncode, err)
        return None
    assert done.returncode == 0, (args, done.returncode, err)
    rows = [line.split("\t") for line in out.splitlines()]
    return [r for r in rows if r[0] != "problem"], [r[1] for r in rows if r[0] == "problem"]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def noise(n):
    return random.randbytes(n)


PICTURES = {  # what lies in the folder; the readers of sets do not look inside
    "003357/000097.png": noise(3000), "003357/000098.png": noise(1), "00036/00036_15.png": noise(70000),
    "Asian_Female_1353225/46.png": noise(512), "Asian_Female_1353225/\u00e9t\u00e9.JPG": noise(513),
    "a/deep/er/x.jpeg": noise(100), "b" * 120 + "/" + "c" * 120 + ".webp": noise(200), "z/0.jpg": noise(0) + b"x",
}
OTHERS = {"readme.txt": b"hello", "a/labels.csv": b"x", ".hidden/y.png": b"h", "a/.z.png": b"h",
          "__MACOSX/a/._x.jpeg": b"fork"}


def names_of(rows, prefix):
    for r in rows:
        assert r[0].startswith(prefix), (r[0], prefix)
    return [r[0][len(prefix):] for r in rows]


def check_same(path, prefix, args=()):
    """Whatever the packing: the same names, identities and bytes, in every order of reading."""
    want = [(n, n.split("/")[0], sha(PICTURES[n])) for n in sorted(PICTURES, key=os.fsencode)]
    for order in ("forward", "backward", "parallel"):
        rows, problems = probe("--order", order, *args, path)
        got = list(zip(names_of(rows, prefix), (r[1] for r in rows), (r[2] for r in rows)))
        assert sorted(got) == sorted(want), (path, order, got, want)
        assert problems == [], (path, problems)
    rows, _ = probe("--again", *args, path)
    assert sorted((r[0][len(prefix):], r[2]) for r in rows) == sorted((w[0], w[2]) for w in want), path


def make_folder(root):
    for name, data in {**PICTURES, **OTHERS}.items():
        os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
        with open(os.path.join(root, name), "wb") as f:
            f.write(data)


def check_packings(tmp):
    root = tmp + "/set"
    make_folder(root)
    check_same(root, root + "/")
    run = lambda *a: subprocess.run(a, check=True, capture_output=True)
    n = 1
    for fmt in ("gnu", "pax", "posix", "oldgnu"):
        for inside, top in (("set", "set/"), (".", "")):
            where = tmp if inside == "set" else root
            run("tar", "--format", fmt, "-C", where, "-cf", f"{tmp}/{fmt}.tar", inside)
            check_same(f"{tmp}/{fmt}.tar", f"{tmp}/{fmt}.tar!/{top}")
            n += 1
    for flag, ending in (("-z", ".tar.gz"), ("-z", ".tgz"), ("-j", ".tar.bz2"), ("-J", ".tar.xz"), ("--zstd", ".tar.zst")):
        tool = {"-z": "gzip", "-j": "bzip2", "-J": "xz", "--zstd": "zstd"}[flag]
        if shutil.which(tool) is None:
            continue
        run("tar", flag, "-C", root, "-cf", f"{tmp}/c{ending}", ".")
        check_same(f"{tmp}/c{ending}", f"{tmp}/c{ending}!/")
        n += 1
    with tarfile.open(tmp + "/py.tar", "w") as t:
        t.add(root, "set")
    check_same(tmp + "/py.tar", tmp + "/py.tar!/set/")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(tmp + "/py.zip", "w", method) as z:
            for name, data in {**PICTURES, **OTHERS}.items():
                z.writestr(name, data)
        check_same(tmp + "/py.zip", tmp + "/py.zip!/")
        check_same(tmp + "/py.zip", tmp + "/py.zip!/", ("--format", "archive"))
    n += 3
    if shutil.which("zip"):
        subprocess.run(["zip", "-q", "-r", tmp + "/z.zip", "."], cwd=root, check=True)
        check_same(tmp + "/z.zip", tmp + "/z.zip!/")
        n += 1
    return n


def tar_of(path, members, mode="w", fmt=tarfile.PAX_FORMAT):
    with tarfile.open(path, mode, format=fmt) as t:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return path


def check_names(tmp):
    """Names that lead outside, come twice, are links, are hidden or archives themselves."""
    evil = [("../../etc/a.png", b"1"), ("/abs/b.png", b"2"), ("x/../../c.png", b"3"), ("./d/./e.png", b"4"),
            ("d/e.png", b"5"), ("in/nested.tar", b"n"), ("f/" + "g" * 5000 + ".png", b"6"), ("f/..png", b"7")]
    want = [("etc/a.png", b"1"), ("abs/b.png", b"2"), ("x/c.png", b"3"), ("d/e.png", b"5")]
    for name, mode in (("evil.tar", "w"), ("evil.tgz", "w:gz")):
        path = tar_of(tmp + "/" + name, evil, mode)
        with_links = tmp + "/links-" + name
        with tarfile.open(with_links, mode) as t, tarfile.open(path) as old:
            for m in old.getmembers():
                t.addfile(m, old.extractfile(m))
            for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
                info = tarfile.TarInfo("l/%s.png" % kind.decode())
                info.type, info.linkname = kind, "/etc/passwd"
                t.addfile(info)
        rows, problems = probe(with_links)
        got = list(zip(names_of(rows, with_links + "!/"), (r[2] for r in rows)))
        assert got == [(n, sha(d)) for n, d in want], got
        text = "\n".join(problems)
        for part in ("3 names lead outside of the archive; taken by what is left without that (first: ../../etc/a.png)",
                     "1 names come again; the last picture of a name counts (first: d/e.png)",
                     "4 pictures are links or special files and are passed over (first: l/2.png)",
                     "1 members have no usable name", "1 archives inside the archive are not looked into"):
            assert part in text, (part, text)
        assert os.listdir(tmp + "/cwd") == []
    with warnings.catch_warnings(), zipfile.ZipFile(tmp + "/evil.zip", "w") as z:
        warnings.simplefilter("ignore")
        for name, data in evil:
            z.writestr(name, data)
    rows, problems = probe(tmp + "/evil.zip")
    assert [(r[0].split("!/")[1], r[2]) for r in rows] == [(n, sha(d)) for n, d in want], rows
    assert any("lead outside" in p for p in problems), problems


def check_damage(tmp):
    members = [("id%d/%d.png" % (i // 5, i), noise(2000 + i)) for i in range(50)]
    plain = tar_of(tmp + "/plain.tar", members)
    whole = open(plain, "rb").read()
    names = ["%s/%s" % (plain + "!", n) for n, _ in members]
    rows, _ = probe(plain)
    assert [r[0] for r in rows] == names
    open(tmp + "/noend.tar", "wb").write(whole[: 26 * 2560])  # behind a member, so it could be whole
    rows, problems = probe(tmp + "/noend.tar")
    assert len(rows) == 26 and "has no end mark" in problems[0], problems
    for cut in (len(whole) // 2 + 600, 3000, 700):
        path = tmp + "/cut.tar"
        open(path, "wb").write(whole[:cut])
        probe(path, fails="damaged behind")
        open(path, "wb").write(gzip.compress(whole)[:cut])
        probe(path, fails="archive" if cut <= 3000 else "damaged behind")
    with zipfile.ZipFile(tmp + "/whole.zip", "w") as z:
        for name, data in members:
            z.writestr(name, data)
    whole = bytearray(open(tmp + "/whole.zip", "rb").read())
    open(tmp + "/cut.zip", "wb").write(whole[: len(whole) // 2])
    probe(tmp + "/cut.zip", fails="/cut.zip: ")
    at = bytes(whole).index(members[7][1]) + 1000
    whole[at] ^= 1
    open(tmp + "/flip.zip", "wb").write(whole)
    for order in ("forward", "backward", "parallel"):
        rows, _ = probe("--order", order, tmp + "/flip.zip")
        for i, (row, (name, data)) in enumerate(zip(rows, members)):
            good = row[2] == sha(data)
            assert good == (i != 7), (order, i, row)
        assert "id1/7.png: damaged: " in rows[7][2] and "CRC" in rows[7][2], rows[7]
    open(tmp + "/empty.tar", "wb").write(b"\0" * 10240)
    probe(tmp + "/empty.tar", fails="no pictures in this archive")
    tar_of(tmp + "/texts.tar", [("a.txt", b"x"), ("b.csv", b"y")])
    probe(tmp + "/texts.tar", fails="found 2 others")
    open(tmp + "/zero.tar", "wb").write(b"")
    probe(tmp + "/zero.tar", fails="/zero.tar: ")


def check_bombs(tmp):
    with zipfile.ZipFile(tmp + "/bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a/1.png", b"\0" * (64 << 20))
        z.writestr("a/2.png", b"good")
    rows, _ = probe(tmp + "/bomb.zip")
    assert "no picture does that" in rows[0][2] and rows[1][2] == sha(b"good"), rows
    data = 160 * gzip.compress(b"\0" * (8 << 20), 9)  # 1.25 GiB of nothing: an empty tar
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        info = tarfile.TarInfo("big.bin")
        info.size = 160 * (8 << 20)
        head = info.tobuf()
    open(tmp + "/bomb.tgz", "wb").write(gzip.compress(head) + data)
    # A thousandfold is what gzip can do at most; it is listed in bounded memory, and holds no picture.
    probe(tmp + "/bomb.tgz", fails="/bomb.tgz: ")
    if shutil.which("zip"):
        os.makedirs(tmp + "/enc/a", exist_ok=True)
        for n in ("1.png", "2.png"):
            open(tmp + "/enc/a/" + n, "wb").write(noise(1000))
        subprocess.run(["zip", "-q", "-r", "-P", "secret", tmp + "/enc.zip", "a"], cwd=tmp + "/enc", check=True)
        rows, problems = probe(tmp + "/enc.zip")
        assert len(rows) == 2 and all("encrypted" in r[2] for r in rows), rows
        assert "2 pictures are encrypted and cannot be read (first: a/" in problems[0], problems


def check_shards(tmp):
    os.makedirs(tmp + "/wds")
    want = []
    for s in range(12):
        members = []
        for i in range(4):
            key, who = "%05d%04d" % (s, i), "person %d" % (s * 4 + i) if i != 3 else None
            members.append((key + ".jpg", noise(100)))
            members.append((key + ".cls", b"%d\n" % (s // 2)))
            members.append((key + ".json", json.dumps({"who": who, "n": s}).encode()))
            want.append((key + ".jpg", "" if who is None else who, str(s // 2), str(s)))
        random.shuffle(members)
        members.sort(key=lambda m: m[0].split(".")[0])
        tar_of("%s/wds/shard-%06d.tar" % (tmp, s), members)
    pattern = tmp + "/wds/shard-{000000..000011}.tar"
    for rule, column in (("json:who", 1), ("cls", 2), ("json:n", 3)):
        rows, problems = probe("--identity", rule, pattern)
        assert [(r[0].split("!/")[1], r[1]) for r in rows] == [(w[0], w[column]) for w in want], rows
        assert len(problems) == (12 if column == 1 else 0), problems
    assert all(r[1] == "" for r in probe(pattern)[0])
    with open(tmp + "/wds/list.txt", "w") as f:
        f.write("# shards\nshard-000000.tar\r\n\n%s/wds/shard-{000003,000001}.tar\n" % tmp)
    rows, _ = probe("@" + tmp + "/wds/list.txt")
    assert [r[0].rsplit("/", 2)[1] for r in rows[::4]] == ["shard-000000.tar!", "shard-000003.tar!", "shard-000001.tar!"]
    probe(tmp + "/wds/shard-{000010..000013}.tar", fails="shard-000012.tar: cannot open")
    probe(tmp + "/wds/shard-{9..1}.tar", fails="expected a rising range")
    for s in range(3):  # one set in several zips, as DigiFace comes
        with zipfile.ZipFile("%s/subjects_%d.zip" % (tmp, s), "w") as z:
            for who in (2 * s, 2 * s + 1):
                for k in range(3):
                    z.writestr("%d/%d.png" % (who, k), noise(50))
    rows, _ = probe(*("%s/subjects_%d.zip" % (tmp, s) for s in range(3)))
    assert [r[1] for r in rows] == [str(i // 3) for i in range(18)], rows


def check_rules(tmp):
    root = tmp + "/rules"
    for name in ("p/q/a_b_1.png", "p/r/a_b_2.png", "top.png", "id7_3.png"):
        os.makedirs(os.path.dirname(root + "/" + name), exist_ok=True)
        open(root + "/" + name, "wb").write(b"x")
    ids = lambda rule: {r[0][len(root) + 1:]: r[1] for r in probe("--identity", rule, root)[0]}
    q, r, top, flat = "p/q/a_b_1.png", "p/r/a_b_2.png", "top.png", "id7_3.png"
    assert ids("auto") == ids("folder") == ids("folder:1") == {q: "p", r: "p", top: "", flat: ""}
    assert ids("folder:2") == ids("parent") == {q: "q", r: "r", top: "", flat: ""}
    assert ids("name:_") == {q: "a_b", r: "a_b", top: "", flat: "id7"}
    assert ids("none") == ids("label") == {q: "", r: "", top: "", flat: ""}
    for bad in ("folder:0", "folder:x", "name", "name:", "json", "json:", "who", "", "none:1", "folder:99"):
        probe("--identity", bad, root, fails="identity: found")
    probe("--format", "tarball", root, fails="there are: ")
    probe("--format", "archive", root, fails="/rules: ")


def check_labels(tmp):
    root = tmp + "/lab"
    names = ["a/1.png", "a/2.png", "b/1.png", "c.png"]
    for name in names:
        os.makedirs(os.path.dirname(root + "/" + name), exist_ok=True)
        open(root + "/" + name, "wb").write(b"x")
    tar = tar_of(tmp + "/lab.tar", [(n, b"x") for n in names])
    table = tmp + "/labels.csv"

    def write(text):
        with open(table, "w", newline="") as f:
            f.write(text)

    write('path,identity,age,"a,b"\na/1.png,Ann,30,x\n./a/2.png,Bob,,\n%s/b/1.png,Ann,5,"y,z"\nlab.tar/c.png,Eve,1,\n'
          'nobody.png,X,1,\n' % root)
    rows, problems = probe("--labels", table, root)
    assert [r[1:2] + r[3:] for r in rows] == [["Ann", "age=30", "a,b=x"], ["Bob", "age=", "a,b="],
                                             ["Ann", "age=5", "a,b=y,z"], ["", "age=", "a,b="]], rows
    assert problems == [table + ": 1 of 4 images have no line, and so no identity or group (first: %s/c.png)" % root,
                        table + ": 2 of 5 lines belong to no image (first: lab.tar/c.png)"], problems
    rows, _ = probe("--labels", table, tar)
    assert [r[1] for r in rows] == ["Ann", "Bob", "", "Eve"], rows
    write("path,sex\na/1.png,f\n")  # groups alone leave the identities as they are
    rows, _ = probe("--labels", table, root)
    assert [r[1] for r in rows] == ["a", "a", "b", ""] and rows[0][3] == "sex=f", rows
    for text, why in (("path,identity\nother/1.png,A\n", "no line belongs to any image: the first path there is 'other/1.png'"),
                      ("identity\nA\n", "no column 'path'"), ("path\na/1.png\n", "only the column 'path'"),
                      ("path,identity\n", "header line only"), ("path,identity,g,g\n", "column 'g' twice"),
                      ("path,identity\na/1.png,A\n./a/1.png,B\n", "line 3: the path 'a/1.png' is there twice"),
                      ("path,identity\n,A\n", "line 2: the path is empty"), ("", "labels.csv: the table is empty")):
        write(text)
        probe("--labels", table, root, fails=why)


with tempfile.TemporaryDirectory() as tmp:
    os.mkdir(tmp + "/cwd")
    os.chdir(tmp + "/cwd")
    packings = check_packings(tmp)
    for check in (check_names, check_damage, check_bombs, check_shards, check_rules, check_labels):
        check(tmp)
    print("%d packings of %d pictures" % (packings, len(PICTURES)))
