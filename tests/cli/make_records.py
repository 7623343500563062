#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_records.py - packs the pictures of a folder (one folder below it for each person) as record files, from the byte
layout of MXNet's RecordIO alone: no MXNet, and nothing in common with the reader.

usage: make_records.py KIND FOLDER OUT

KIND: insightface   head record, labels, identity records, .idx, .lst, property (as faces_webface_112x112)
      plain         labels alone, .idx
      arrays        each label an array of two, .idx
      integers      int32 where a float32 label belongs, .idx
      dcface        label 0, .idx, list.txt
      bare          labels alone, no index
      parts         like bare, the magic number inside every picture, so that each record is of several parts
"""
import pathlib
import struct
import sys
import zlib

MAGIC = 0xCED7230A


def record(payload):
    """One record: cut wherever the magic number stands in the payload at a multiple of 4."""
    magic = struct.pack("<I", MAGIC)
    cuts = [i for i in range(0, len(payload) // 4 * 4, 4) if payload[i:i + 4] == magic]
    starts, ends = [0] + [i + 4 for i in cuts], cuts + [len(payload)]
    out = b""
    for n, (start, end) in enumerate(zip(starts, ends)):
        kind = 0 if not cuts else 1 if n == 0 else 3 if n == len(cuts) else 2
        part = payload[start:end]
        out += struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + bytes(-len(part) % 4)
    return out


def image(label, number, picture, flag=0, packing="f"):
    """Header of an image record, labels, picture; with several labels the one in the header is 0."""
    labels = label if isinstance(label, (list, tuple)) else []
    return (struct.pack("<I" + packing + "QQ", len(labels) if labels else flag, 0 if labels else label, number, 0) +
            struct.pack("<%df" % len(labels), *labels) + picture)


def with_magic(png):
    """The same PNG with a private chunk full of magic numbers, whatever the alignment."""
    data = b"".join(b"x" * i + struct.pack("<I", MAGIC) * 2 for i in range(4))
    chunk = b"maGc" + data
    return png[:33] + struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


class Writer:
    def __init__(self, out, stem):
        out.mkdir(parents=True, exist_ok=True)
        self.out, self.stem, self.index, self.at = out, stem, [], 0
        self.file = open(out / (stem + ".rec"), "wb")

    def add(self, key, payload):
        self.index.append(f"{key}\t{self.at}\n")
        data = record(payload)
        self.file.write(data)
        self.at += len(data)

    def close(self, index=True):
        self.file.close()
        if index:
            (self.out / (self.stem + ".idx")).write_text("".join(self.index))


def insightface(out, people):
    w = Writer(out, "train")
    n = sum(len(p) for p in people)
    w.add(0, image([n + 1, n + 1 + len(people)], 0, b""))
    key, ranges, lst = 1, [], ""
    for person, pictures in enumerate(people):
        first = key
        for path in pictures:
            w.add(key, image(person, key, path.read_bytes()))
            lst += f"1\t/somewhere/{path.parent.name}/{path.name}\t{person}\n"
            key += 1
        ranges.append((first, key))
    for span in ranges:
        w.add(key, image(span, key, b""))
        key += 1
    w.close()
    (out / "train.lst").write_text(lst)
    (out / "property").write_text(f"{len(people)},112,112\n")


def dcface(out, people):
    w = Writer(out, "file")
    key, lines = 0, ""
    for pictures in people:
        for path in pictures:
            w.add(key, image(0, key, path.read_bytes()))
            lines += f"{key}\t{path.parent.name}/{path.name}\n"
            key += 1
    w.close()
    (out / "list.txt").write_text(lines)


def simple(kind, out, people):
    w = Writer(out, "train")
    key = 0
    for person, pictures in enumerate(people):
        for path in pictures:
            picture = path.read_bytes()
            if kind == "parts":
                picture = with_magic(picture)
            label = [person, 0.5] if kind == "arrays" else person
            w.add(key, image(label, key, picture, packing="i" if kind == "integers" else "f"))
            key += 1
    w.close(index=kind in ("plain", "arrays", "integers"))


def main():
    kind, folder, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    people = [sorted(p.iterdir()) for p in sorted(folder.iterdir()) if p.is_dir()]
    if kind == "insightface":
        insightface(out, people)
    elif kind == "dcface":
        dcface(out, people)
    else:
        simple(kind, out, people)


if __name__ == "__main__":
    main()
