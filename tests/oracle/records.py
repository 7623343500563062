#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""records.py - record files, InsightFace's .bin and LMDB as others write them: RecordIO from its byte layout
(tests/cli/make_records.py), Python's pickle, python3-lmdb with python3-msgpack; and all kinds of damage.

usage: records.py SOURCE_PROBE
"""
import hashlib
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
import make_records as mr  # noqa: E402

try:
    import lmdb
    import msgpack
except ImportError:
    lmdb = None

PROBE = os.path.abspath(sys.argv[1])
MAGIC = struct.pack("<I", mr.MAGIC)
random.seed(4)


def probe(*args, fails=None):
    done = subprocess.run([PROBE, *map(str, args)], capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    if fails is not None:
        assert done.returncode == 1 and fails in err, (args, done.returncode, out, err)
        return None
    assert done.returncode == 0, (args, done.returncode, err)
    rows = [line.split("\t") for line in out.splitlines()]
    return [r for r in rows if r[0] != "problem"], [r[1] for r in rows if r[0] == "problem"]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def expect(path, want, problems=(), args=()):
    """want: (name, identity, bytes, or a part of the message); problems: a part of each."""
    rows, said = probe(*args, path)
    got = [(r[0].rsplit("#", 1)[1], r[1], r[2]) for r in rows]
    assert len(got) == len(want), (path, got, [w[:2] for w in want])
    for g, w in zip(got, want):
        found = g[2] == sha(w[2]) if isinstance(w[2], bytes) else w[2] in g[2]
        assert g[:2] == w[:2] and found, (path, g, w)
    assert len(said) == len(problems), (path, said)
    for s, p in zip(said, problems):
        assert p in s, (path, s, p)


def in_every_order(path, want):
    for args in (["--order", "backward"], ["--order", "parallel"], ["--again"]):
        expect(path, want, args=args)


# ---- RecordIO ------------------------------------------------------------------------------------------------


def noise(n):
    return random.randbytes(n)


PEOPLE = [[noise(700), noise(20000)], [noise(1), noise(2), noise(3)], [MAGIC * 50, noise(99)]]


def make_people(root):
    for i, pictures in enumerate(PEOPLE):
        os.makedirs(f"{root}/p{i}")
        for k, data in enumerate(pictures):
            pathlib.Path(f"{root}/p{i}/{k}.jpg").write_bytes(data)


def flat():
    return [(i, k, data) for i, pictures in enumerate(PEOPLE) for k, data in enumerate(pictures)]


def by_number(first=0):
    return [(str(first + n), str(i), data) for n, (i, _, data) in enumerate(flat())]


def by_path():
    return [(f"p{i}/{k}.jpg", f"p{i}", data) for i, k, data in flat()]


def make(tmp, kind, name=None):
    out = f"{tmp}/{name or kind}"
    subprocess.run([sys.executable, mr.__file__, kind, tmp + "/people", out], check=True)
    return out


def check_kinds(tmp):
    make_people(tmp + "/people")
    integers = "labels are stored as integers"
    for kind, want, problems in (("insightface", by_number(1), []), ("plain", by_number(), []),
                                 ("arrays", by_number(), []), ("bare", by_number(), []),
                                 ("dcface", by_path(), []), ("integers", by_number(), [integers])):
        out = make(tmp, kind)
        expect(out, want, problems)
        file = out + ("/file.rec" if kind == "dcface" else "/train.rec")
        expect(file, want, problems, ["--format", "rec"])
        if not problems:
            in_every_order(file, want)
    outer = tmp + "/dcface_0.5m"
    os.mkdir(outer)
    os.rename(tmp + "/dcface", outer + "/record")
    expect(outer, by_path())
    os.remove(tmp + "/insightface/train.idx")
    expect(tmp + "/insightface", by_number(1))  # the head record and those of identities are no pictures


def write(path, payloads, index=True):
    body, lines = b"", ""
    for key, payload in enumerate(payloads):
        lines += f"{key}\t{len(body)}\n"
        body += mr.record(payload)
    pathlib.Path(path).write_bytes(body)
    if index:
        pathlib.Path(path[:-4] + ".idx").write_text(lines)
    return body


def check_parts(tmp):
    """Random payloads full of magic numbers at every alignment."""
    payloads = []
    for n in range(300):
        data = b"".join(random.choice((MAGIC, noise(random.randrange(6)))) for _ in range(random.randrange(1, 12)))
        number = struct.unpack("<Q", MAGIC * 2)[0] if n % 2 else n  # also in the header
        payloads.append((mr.image([7, 8] if n % 3 else 7, number, data or b"x"), data or b"x"))
    want = [(str(i), "7", data) for i, (_, data) in enumerate(payloads)]
    for index in (True, False):
        body = write(tmp + "/parts.rec", [p for p, _ in payloads], index)
        expect(tmp + "/parts.rec", want)
        os.path.exists(tmp + "/parts.idx") and os.remove(tmp + "/parts.idx")
    kinds = {struct.unpack_from("<I", body, i + 4)[0] >> 29 for i in range(0, len(body) - 4, 4) if body[i:i + 4] == MAGIC}
    assert kinds == {0, 1, 2, 3}, kinds


def check_record_damage(tmp):
    data = [noise(100 + i) for i in range(6)]
    payloads = [mr.image(i // 2, i, d) for i, d in enumerate(data)]
    want = [(str(i), str(i // 2), d) for i, d in enumerate(data)]
    path, idx = tmp + "/d.rec", tmp + "/d.idx"
    body = write(path, payloads)
    starts = [int(line.split("\t")[1]) for line in pathlib.Path(idx).read_text().splitlines()]
    index = pathlib.Path(idx).read_text()

    def lay(new_body, new_index):
        pathlib.Path(path).write_bytes(new_body)
        if new_index is None:
            os.path.exists(idx) and os.remove(idx)
        else:
            pathlib.Path(idx).write_text(new_index)

    cut = body[:-20]  # in the last picture
    lay(cut, index)
    expect(path, want[:5] + [("5", "", "the record at byte %d is cut off: it takes at least " % starts[5])])
    lay(cut, None)
    expect(path, want[:5] + [("5", "", "is cut off")], ["1 damaged places (first: byte %d)" % starts[5]])
    lay(body[:starts[3]], index)
    expect(path, want[:3] + [(str(i), "", "the record is outside the file: at byte") for i in (3, 4, 5)])
    lay(body, "".join(f"{k}\t{s + 4}\n" for k, s in enumerate(starts)))
    expect(path, want, ["the index does not fit: of 6 entries tried, 6 point into the file and 0 at a record"])
    lay(body, index[:-12])
    expect(path, want, ["the index leaves records out"])
    for text, why in (("0\t0\n1 5\n", "line 2: expected a number of a record, a tab and an offset"), ("", "the list is empty"),
                      ("0\t0x\n", "line 1: expected an offset behind the tab"), ("-1\t0\n", "line 1: expected"),
                      ("0\t99999999999999999999\n", "line 1: expected an offset")):
        lay(body, text)
        expect(path, want, ["the index is damaged (%s" % why])
    lay(body, index + "3\t%d\n" % (starts[3] + 4))
    expect(path, want, ["1 lines of the index give a record number again"])
    shuffled = index.splitlines(True)
    random.shuffle(shuffled)
    lay(body, "".join(shuffled))
    expect(path, want)
    bad = bytearray(body)
    bad[starts[2]] ^= 1  # its magic number
    lay(bytes(bad), index)
    expect(path, want[:2] + [("2", "", "no record at byte %d: found ced7230b, expected the magic number ced7230a" % starts[2])]
           + want[3:])
    lay(bytes(bad), None)
    expect(path, want[:2] + [("2", "", "no record at byte")] + want[3:], ["1 damaged places"])
    bad = bytearray(body)
    struct.pack_into("<I", bad, starts[2] + 4, 0x1ffffff0)  # its length
    lay(bytes(bad), None)
    expect(path, want[:2] + [("2", "", "is cut off")] + want[3:], ["1 damaged places"])
    bad = bytearray(body)
    struct.pack_into("<I", bad, starts[2] + 8, 1 << 30)  # its flag
    lay(bytes(bad), index)
    expect(path, want[:2] + [("2", "", "a record with 1073741824 labels in")] + want[3:])
    lay(b"", None)
    probe("--format", "rec", path, fails="d.rec: no pictures in this record file of 0 bytes")
    lay(noise(1000), None)
    probe(path, fails="d.rec: no record at byte 0: found ")
    lay(b"", index)
    probe(path, fails="d.rec: no pictures in this record file")
    probe("--format", "rec", tmp, fails="no record file in this folder: expected train.rec, file.rec")
    for _ in range(150):  # flipped bits: each picture is right, or damaged itself, or said to be
        bad = bytearray(body)
        for _ in range(random.randrange(1, 4)):
            bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
        lay(bytes(bad), random.choice((index, None)))
        done = subprocess.run([PROBE, path], capture_output=True, check=False)
        assert done.returncode in (0, 1), done


def check_labels(tmp):
    data = [noise(50 + i) for i in range(4)]
    odd = [3.5, -1, float("nan"), 2]
    path = tmp + "/l.rec"
    write(path, [mr.image(v, i, d) for i, (v, d) in enumerate(zip(odd, data))])
    want = [(str(i), label, d) for i, (label, d) in enumerate(zip(("", "", "", "2"), data))]
    said = "3 records have a label that is no whole number from 0 to 2147483647 (first: record 0)"
    expect(path, want, [said])
    lst = pathlib.Path(tmp + "/l.lst")
    lst.write_text("1\t8.000000\tx/1.jpg\n0\t7\tx/0.jpg\n2\t-1\tx/2.jpg\n3\t9\tx/3.jpg\n")
    want = [(str(i), label, d) for i, (label, d) in enumerate(zip(("7", "8", "", "2"), data))]
    expect(path, want, [said, "the identities of 2 records are taken from the .lst file"])
    lst.write_text("broken\n")
    expect(path, [w[:1] + ("2" if w[0] == "3" else "",) + w[2:] for w in want], [said, "the .lst file is damaged: line 1"])


def check_ranges(tmp):
    """Identity records that are not sound do not count; a picture that belongs elsewhere is said to."""
    data = [noise(60 + i) for i in range(5)]
    pictures = [mr.image(v, i + 1, d) for i, (v, d) in enumerate(zip((4, 4, 9, 9, 9), data))]
    want = [(str(i + 1), v, d) for i, (v, d) in enumerate(zip("44999", data))]
    path = tmp + "/r.rec"
    head = mr.image([6, 8], 0, b"")

    def ranges(*spans):
        write(path, [head] + pictures + [mr.image(list(s), 0, b"") for s in spans])

    ranges((1, 3), (3, 6))
    expect(path, want)
    for spans in (((1, 3), (3, 5)), ((1, 3), (2, 6)), ((1, 3), (3, 7)), ((0, 3), (3, 6)), ((3, 1), (3, 6)),
                  ((1.5, 3), (3, 6)), ((1, 3), (3, 6e9)), ((1, 3),)):
        ranges(*spans)
        expect(path, want)  # from the records themselves
    pictures[1] = mr.image(5, 2, data[1])
    ranges((1, 3), (3, 6))
    expect(path, [want[0], ("2", "4", "the record has the label 5, but lies among those of identity 4")] + want[2:])
    head = mr.image([8, 10], 0, b"")
    write(path, [head] + pictures)
    want[1] = ("2", "5", data[1])
    expect(path, want, ["5 pictures, but the first record says 7"])
    pathlib.Path(tmp + "/property").write_text("10572,112,112\n")
    expect(path, want, ["5 pictures, but", "3 identities, but the property file says 10572"])
    pathlib.Path(tmp + "/property").write_text("many\n")
    expect(path, want, ["5 pictures, but", "the property file is damaged"])
    os.remove(tmp + "/property")


def check_list(tmp):
    folder = tmp + "/lst"
    os.mkdir(folder)
    data = [noise(60 + i) for i in range(3)]
    write(folder + "/file.rec", [mr.image(0, i, d) for i, d in enumerate(data)])
    lst = pathlib.Path(folder + "/list.txt")
    lst.write_text("1\t1/b c.jpg\r\n0\t0/a.jpg\tmore\r\n7\t2/x.jpg\r\n")
    expect(folder, [("0/a.jpg", "0", data[0]), ("1/b c.jpg", "1", data[1]), ("2", "", data[2])],
           ["1 records are not in list.txt, and have no identity", "1 lines of list.txt are about no record"])
    lst.write_text("0\t0/a.jpg\n1\t0/a.jpg\n2\tb\n")
    probe(folder, fails="list.txt beside it: it gives the path '0/a.jpg' to record 0 and record 1")
    lst.write_text("0\t0/a.jpg\nx\n")
    probe(folder, fails="file.rec: list.txt beside it: line 2: expected a number of a record, a tab and a path")


# ---- InsightFace's .bin --------------------------------------------------------------------------------------


def python2(pictures, same):
    """As cPickle of Python 2 writes it in protocol 2: strings, memo numbers from 1."""
    memo = iter(range(1, 1 << 20))

    def put():
        n = next(memo)
        return b"q" + bytes([n]) if n < 256 else b"r" + struct.pack("<I", n)

    def string(s):
        return (b"U" + bytes([len(s)]) if len(s) < 256 else b"T" + struct.pack("<I", len(s))) + s + put()

    def items(texts):
        out = b""
        for i in range(0, len(texts), 1000):
            batch = texts[i:i + 1000]
            out += b"(" + b"".join(batch) + b"e" if len(batch) > 1 else batch[0] + b"a"
        return out

    return (b"\x80\x02" + b"]" + put() + items([string(p) for p in pictures]) + b"]" + put() +
            items([b"\x88" if s else b"\x89" for s in same]) + b"\x86" + put() + b".")


def check_bins(tmp):
    path = tmp + "/x.bin"

    def lay(data):
        pathlib.Path(path).write_bytes(data)

    for n in (1, 2, 500, 2400):  # Python writes lists in batches of 1000
        pictures = [noise(random.choice((1, 255, 256, 3000))) for _ in range(2 * n)]
        pictures[0] = bytes(range(256)) * 300  # above the 64 KiB of a frame
        same = [random.random() < 0.5 for _ in range(n)]
        want = [(str(i), "", p) for i, p in enumerate(pictures)]
        for data in [pickle.dumps((pictures, same), p) for p in (2, 3, 4, 5)] + [python2(pictures, same)]:
            lay(data)
            expect(path, want)
        for p in (2, 3, 4, 5):  # without the C accelerator: other memo numbers
            with open(path, "wb") as f:
                pickle._Pickler(f, p).dump((pictures, same))
            expect(path, want)
    in_every_order(path, want)
    lay(pickle.dumps(([pictures[1]] * 4, [True, True]), 4))  # one object four times
    expect(path, [(str(i), "", pictures[1]) for i in range(4)])
    good = ([b"a", b"b"], [True])
    for value, protocol, why in (
            (good, 0, "no pickle of protocol 2 or later: it starts with byte 0x28"),
            (list(good), 3, "a third list"), (good[0], 3, "ends without a pair of lists"), ((good[1], good[0]), 3, "expected first the list of pictures"),
            (([b"a", b"b", b"c"], [True]), 3, "3 pictures and 1 booleans, expected two pictures for each boolean"),
            (([], []), 3, "no pairs: 0 pictures and 0 booleans"), ((good[0], [1]), 3, "opcode 0x4b at byte"),
            (([b"a", "b"], [True]), 3, "a list with other things than pictures or booleans"),
            (([b"a", True], [True]), 3, "a list with both pictures and booleans"),
            (({}, [True]), 3, "opcode 0x7d at byte 2: it is none of those"), (good + ([],), 3, "a third list"),
            (([os.system, b"b"], [True]), 3, "opcode 0x63 at byte 6: it names a function, which is never called"),
            (([os.system, b"b"], [True]), 4, "opcode 0x93 at byte"), (([bytearray(b"a")] * 2, [True]), 5, "opcode 0x96")):
        lay(pickle.dumps(value, protocol))
        probe(path, fails=why)
    data = pickle.dumps((pictures[:20], same[:10]), 3)
    for at in [2, 3, 5, len(data) - 1] + random.sample(range(len(data)), 20):
        lay(data[:at])
        probe("--format", "bin", path, fails="x.bin: ")
    lay(data + b"x")
    probe(path, fails="1 bytes behind the end of the pickle")
    lay(b"")
    probe(path, fails="no pickle of protocol 2 or later")


# ---- LMDB ----------------------------------------------------------------------------------------------------


def database(path, records, about=True, **options):
    env = lmdb.open(path, map_size=1 << 28, lock=False, **options)
    with env.begin(write=True) as txn:
        for key, value in records:
            txn.put(key, value)
        if about:
            txn.put(b"__len__", msgpack.packb(len(records)))
            txn.put(b"__keys__", msgpack.packb([k for k, _ in records]))
            txn.put(b"__classnum__", msgpack.packb(3))
    return env


def faces(n, size, extra=None):
    data = [noise(size() if callable(size) else size) for _ in range(n)]
    values = [[d] + ([extra] if extra is not None else []) + [i % 3] for i, d in enumerate(data)]
    return ([(str(i).encode(), msgpack.packb(v)) for i, v in enumerate(values)],
            [(str(i), str(i % 3), d) for i, d in enumerate(data)])


def check_lmdb(tmp):
    sizes = (100, 1990, 5000, 70000, lambda: random.choice((1, 300, 2020, 2030, 4060, 9000)))
    for i, size in enumerate(sizes):
        records, want = faces(40 if size == 70000 else 1500, size)
        database(f"{tmp}/db{i}", records).close()
        expect(f"{tmp}/db{i}", want)
    in_every_order(f"{tmp}/db4", want)
    records, want = faces(20000, 30)  # three levels
    database(tmp + "/deep", records).close()
    expect(tmp + "/deep/data.mdb", want)
    for n, extra in enumerate((bytes(2048), [0.5] * 512, {"a": [None, True, {}]}, -3, "text", 1.5, msgpack.ExtType(5, b"xyz"))):
        records, want = faces(30, 4000, extra)
        database(f"{tmp}/extra{n}.lmdb", records, subdir=False, writemap=n == 1).close()
        expect(f"{tmp}/extra{n}.lmdb", want)
    records = [(k, msgpack.packb(msgpack.unpackb(v), use_bin_type=False)) for k, v in faces(1, 10)[0]]
    records[0] = (b"0", b"\x93\xda\x00\x03abc\x02\x94\x01\x02\x03\x04")  # an old writer's bytes, landmarks behind the label
    database(tmp + "/old", records, about=False).close()
    expect(tmp + "/old", [("0", "2", b"abc")])
    # deleted, overwritten, in many transactions: pages in use and free ones mixed
    records, want = faces(900, 3000)
    env = database(tmp + "/used", [(k, noise(random.randrange(9000))) for k, _ in records])
    for i in range(0, 900, 100):
        with env.begin(write=True) as txn:
            for k, v in records[i:i + 100]:
                txn.delete(k)
                txn.put(k, v)
    env.close()
    expect(tmp + "/used", want)
    env = database(tmp + "/counts", records[:5])
    with env.begin(write=True) as txn:
        txn.put(b"__len__", msgpack.packb(7))
        txn.put(b"00", b"x")
        txn.put(b"image-1", b"x")
        txn.put(b"3", b"\x93\xc4\xffcut")
        txn.put(b"4", msgpack.packb([want[4][2]]))
    env.close()
    expect(tmp + "/counts", want[:3] + [("3", "", "the MessagePack value is cut off"), ("4", "", want[4][2])],
           ["5 pictures, but __len__ says 7", "2 keys are no decimal numbers and are passed over (first: 00)",
            "1 values cannot be read (first: key 3: the MessagePack value is cut off: type 0xc4 at its byte 1 of 6)"])
    check_lmdb_refusals(tmp)


def check_lmdb_refusals(tmp):
    database(tmp + "/empty", [], about=False).close()
    probe(tmp + "/empty", fails="no pictures in this LMDB database")
    database(tmp + "/raw", [(b"0", b"\xff\xd8\xff"), (b"1", b"")], about=False).close()
    probe(tmp + "/raw", fails="2 other values (first: MessagePack type 0xff, expected a list [picture, ..., label]")
    env = lmdb.open(tmp + "/sub", max_dbs=2, lock=False)
    env.open_db(b"inner", dupsort=True)
    env.close()
    probe(tmp + "/sub", fails="no pictures in this LMDB database")
    records, _ = faces(300, 900)
    database(tmp + "/bad.lmdb", records, subdir=False).close()
    good = pathlib.Path(tmp + "/bad.lmdb").read_bytes()
    pages = len(good) // 4096

    def lay(data):
        pathlib.Path(tmp + "/bad.lmdb").write_bytes(data)

    meta = 0 if struct.unpack_from("<Q", good, 144)[0] > struct.unpack_from("<Q", good, 4240)[0] else 4096
    root = struct.unpack_from("<Q", good, meta + 128)[0]
    for at, packing, value, why in (
            (meta + 136, "<Q", 1 << 40, "the LMDB file is cut off: %d pages of 4096 bytes" % pages),
            (40, "<I", 4097, "LMDB pages of 4097 bytes, expected a power of 2"), (40, "<I", 1 << 30, "LMDB pages of 1073741824"),
            (20, "<I", 2, "LMDB data version 2, expected 1"), (4096 + 16, "<I", 7, "page 1 is no LMDB meta page"),
            (meta + 128, "<Q", pages + 5, "are used, expected pages 2 to"), (meta + 128, "<Q", 0, "are used, expected pages 2 to"),
            (meta + 94, "<H", 7, "expected kind 0x01"), (meta + 94, "<H", 60, "a tree 60 pages deep"),
            (meta + 120, "<Q", 5, "records, its header says 5"), (meta + 92, "<H", 4, "several values for a key"),
            (root * 4096, "<Q", 77, "says that it is page 77"), (root * 4096 + 10, "<H", 4, "of kind 0x04, expected kind 0x01"),
            (root * 4096 + 12, "<H", 5000, "has its free space from 5000"), (root * 4096 + 16, "<H", 4094, "a node at byte 4094")):
        bad = bytearray(good)
        struct.pack_into(packing, bad, at, value)
        lay(bytes(bad))
        probe(tmp + "/bad.lmdb", fails=why)
    for size in (100, 151, 4096, 8191, len(good) - 4096):
        lay(good[:size])
        probe("--format", "lmdb", tmp + "/bad.lmdb", fails="cut off")
    lay(good[4:])
    probe(tmp + "/bad.lmdb", fails="an LMDB file of a 32-bit or big-endian machine")
    lay(noise(9000))
    probe("--format", "lmdb", tmp + "/bad.lmdb", fails="no LMDB file: its magic number is missing")
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(random.randrange(1, 6)):
            page = random.randrange(pages)
            bad[page * 4096 + random.choice((random.randrange(64), random.randrange(4096)))] ^= 1 << random.randrange(8)
        lay(bytes(bad))
        done = subprocess.run([PROBE, tmp + "/bad.lmdb"], capture_output=True, check=False)
        assert done.returncode in (0, 1), done


with tempfile.TemporaryDirectory() as folder:
    for check in (check_kinds, check_parts, check_record_damage, check_labels, check_ranges, check_list, check_bins):
        check(folder)
    if lmdb is not None:
        check_lmdb(folder)
    print("record files, .bin, " + ("LMDB" if lmdb else "LMDB not tried: python3-lmdb or python3-msgpack is not installed"))
    if lmdb is None:
        sys.exit(77)
