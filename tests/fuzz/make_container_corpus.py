#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_container_corpus.py - makes the first files of the fuzz targets of record files, InsightFace's .bin and LMDB.

They hold pictures of 2 x 2 pixels, and are always the same. The files are in the repository; run this only to change them.
"""
import os
import pickle
import struct
import sys
import zlib

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "cli"))
from make_records import image, record, with_magic  # noqa: E402


def save(target, name, data):
    assert len(data) < 8192, (target, name, len(data))
    os.makedirs(os.path.join(FOLDER, "corpus", target), exist_ok=True)
    with open(os.path.join(FOLDER, "corpus", target, name), "wb") as f:
        f.write(data)


def small_png(shade):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = bytes([0, shade, shade])
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(row * 2, 9)) + chunk(b"IEND", b""))


# ---- record files ------------------------------------------------------------------------------------------


def records_file(name, payloads, index=True, data=None):
    """An index (its length in front) and a record file."""
    lines, body = "", b""
    for key, payload in enumerate(payloads):
        lines += f"{key}\t{len(body)}\n"
        body += record(payload)
    text = (lines if index is True else index or "").encode()
    save("records", name, struct.pack("<H", len(text)) + text + (body if data is None else data(body)))


def make_records():
    pictures = [image(i // 2, i, small_png(i)) for i in range(4)]
    ranges = [image([1, 3], 5, b""), image([3, 5], 6, b"")]
    faces = [image([5, 7], 0, b"")] + pictures + ranges
    records_file("insightface", faces)
    records_file("insightface-bare", faces, None)
    records_file("ranges-overlap", faces[:-1] + [image([2, 5], 6, b"")])
    records_file("range-label", faces[:2] + [image(7, 2, small_png(9))] + faces[3:])
    records_file("plain", pictures)
    records_file("bare", pictures, None)
    records_file("arrays", [image([i, 0.5], i, small_png(i)) for i in range(3)])
    records_file("integers", [image(i, i, small_png(i), packing="i") for i in range(3)])
    records_file("odd-labels", [image(v, 0, small_png(1)) for v in (3.5, -1, float("nan"), 1e30)])
    records_file("parts", [image(1, 1, with_magic(small_png(1))), image(2, 2, with_magic(small_png(2)))], None)
    records_file("cut", pictures, data=lambda body: body[:-20])
    records_file("damaged", pictures, None, data=lambda body: body[:110] + b"damaged!" + body[118:])
    records_file("index-of-another", pictures, "0\t12\n1\t100\n2\t204\n")
    records_file("index-short", pictures, "0\t0\n1\t112\n")
    records_file("index-outside", pictures, "0\t0\n1\t99999999999\n2\t18446744073709551615\n")
    records_file("many-labels", [image(1, 1, b"", flag=0x40000000)], None)
    records_file("first-only", [], None, data=lambda _: struct.pack("<II", 0xCED7230A, 1 << 29 | 4) * 20)
    save("record_lists", "index", b"0\t0\n1\t5024\n2\t9872\n")
    save("record_lists", "index-twice", b"2\t9872\r\n\r\n1\t5024\r\n2\t0\r\n")
    save("record_lists", "index-huge", b"18446744073709551615\t18446744073709551616\n")
    save("record_lists", "paths", b"0\t0/0_1.jpg\n1\t0/0 2.jpg\textra\n7\t\xc3\xa9/1.jpg")
    save("record_lists", "mxnet", b"5\t1.000000\t0/a.jpg\n3\t-1\t1/b.jpg\n4\t2\t0.5\t1/c.jpg\n")
    save("record_lists", "insightface", b"1\t/a/0/1.jpg\t0\n1\t/a/1/2.jpg\t1\t0\t0\t112\t112\n")
    save("record_lists", "property", b"10572,112,112\n")


# ---- InsightFace's .bin ------------------------------------------------------------------------------------


def make_bins():
    pictures = [small_png(i) for i in range(4)]
    for protocol in range(6):
        save("insightface_bin", f"python3-{protocol}", pickle.dumps((pictures, [True, False]), protocol))
    short = b"".join(b"U" + bytes([len(p)]) + p + b"q" + bytes([i + 3]) for i, p in enumerate(pictures))
    save("insightface_bin", "python2", b"\x80\x02]q\x01(" + short + b"e]q\x02(\x88\x89e\x86q\x07.")
    same = pictures[0]
    save("insightface_bin", "shared", pickle.dumps(([same] * 4, [True, False]), 4))
    save("insightface_bin", "long", pickle.dumps(([b"x" * 300, b"y" * 700], [True]), 4))
    save("insightface_bin", "one-pair", pickle.dumps(([b"x", b"y"], [True]), 3))
    save("insightface_bin", "counts", pickle.dumps(([b"x", b"y", b"z"], [True]), 3))
    save("insightface_bin", "swapped", pickle.dumps(([True], [b"x", b"y"]), 3))
    save("insightface_bin", "system", b"\x80\x02cos\nsystem\nX\4\0\0\0true\x85R.")
    save("insightface_bin", "arrays", b"\x80\x02]cnumpy.core.multiarray\n_reconstruct\n.")
    save("insightface_bin", "memo", b"\x80\x02]r\xff\xff\xff\xffj\xff\xff\xff\x7f.")


# ---- LMDB and MessagePack ----------------------------------------------------------------------------------


def lmdb_page(number, flags, nodes, size=512):
    body, upper, pointers = b"", size, []
    for node in nodes:
        node += bytes(len(node) % 2)
        upper -= len(node)
        body = node + body
        pointers.append(upper)
    head = struct.pack("<QHHHH", number, 0, flags, 16 + 2 * len(nodes), upper)
    head += struct.pack(f"<{len(nodes)}H", *pointers)
    return head + bytes(upper - len(head)) + body


def lmdb_meta(number, txn, root, depth, entries, last, size=512):
    free = struct.pack("<IHH5Q", size, 0, 0, 0, 0, 0, 0, 2**64 - 1)
    main = struct.pack("<IHH5Q", 0, 0, depth, 0, 0, 0, entries, root)
    meta = struct.pack("<IIQQ", 0xBEEFC0DE, 1, 0, 1 << 20) + free + main + struct.pack("<QQ", last, txn)
    return (struct.pack("<QHHI", number, 0, 8, 0) + meta).ljust(size, b"\0")


def lmdb_leaf(key, value, flags=0, length=None):
    length = len(value) if length is None else length
    return struct.pack("<IHH", length, flags, len(key)) + key + value


def lmdb_branch(key, page):
    return struct.pack("<IHH", page & 0xFFFFFFFF, page >> 32, len(key)) + key


def msgpack_face(picture, label, *more):
    return bytes([0x92 + len(more), 0xC4, len(picture)]) + picture + b"".join(more) + bytes([label])


def make_lmdbs():
    faces = [lmdb_leaf(str(i).encode(), msgpack_face(small_png(i), i // 2)) for i in range(4)]
    about = [lmdb_leaf(b"__classnum__", b"\x02"), lmdb_leaf(b"__keys__", b"\x94\xa10\xa11\xa12\xa13"),
             lmdb_leaf(b"__len__", b"\x04")]
    large = msgpack_face(b"x" * 200, 1, b"\xc5\1\x90" + bytes(400))
    empty = 2**64 - 1

    def both(root, depth, entries, last):
        return lmdb_meta(0, 1, empty, 0, 0, 1) + lmdb_meta(1, 2, root, depth, entries, last)

    flat = both(2, 1, 5, 2) + lmdb_page(2, 2, faces[:2] + about)
    save("lmdb", "leaf", flat)
    save("lmdb", "empty", lmdb_meta(0, 0, empty, 0, 0, 1) + lmdb_meta(1, 1, empty, 0, 0, 1))
    tree = (both(4, 2, 7, 4) + lmdb_page(2, 2, faces[:3]) + lmdb_page(3, 2, faces[3:] + about) +
            lmdb_page(4, 1, [lmdb_branch(b"", 2), lmdb_branch(b"3", 3)]))
    save("lmdb", "tree", tree)
    save("lmdb", "loop", tree[:-512] + lmdb_page(4, 1, [lmdb_branch(b"", 4), lmdb_branch(b"3", 3)]))
    save("lmdb", "outside", tree[:-512] + lmdb_page(4, 1, [lmdb_branch(b"", 2), lmdb_branch(b"3", 1 << 40)]))
    overflow = struct.pack("<QHHI", 3, 0, 4, 2) + large
    save("lmdb", "overflow", both(2, 1, 1, 4) + lmdb_page(2, 2, [lmdb_leaf(b"0", struct.pack("<Q", 3), 1, len(large))])
         + overflow.ljust(1024, b"\0"))
    save("lmdb", "cut", tree[:-512])
    save("lmdb", "count", both(2, 1, 6, 2) + flat[1024:])
    save("lmdb", "twins", both(2, 1, 1, 2) + lmdb_page(2, 2, [lmdb_leaf(b"0", bytes(8), 4)]))
    save("lmdb", "narrow", b"\0" * 12 + struct.pack("<I", 0xBEEFC0DE) + bytes(600))
    save("lmdb", "value", msgpack_face(small_png(1), 5, b"\x93\xcb" + bytes(8) + b"\xc0\x81\xa1k\xd6\1\0\0\0\0"))
    save("lmdb", "value-64", b"\xdc\0\3\xc6\0\0\0\1x\xd3\xff\0\0\0\0\0\0\0\xcf\0\0\0\0\0\0\1\0")
    save("lmdb", "value-huge", b"\xdd\xff\xff\xff\xff\xc6\xff\xff\xff\xff")
    save("lmdb", "value-deep", b"\x92\xa1x" + b"\x91" * 200 + b"\xc0")


make_records()
make_bins()
make_lmdbs()
