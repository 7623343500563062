#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_pictures.py - writes pictures for the tests without any library: coloured fields as PNG, and a PNG bomb.

usage: make_pictures.py fields DIR PEOPLE PICTURES   DIR/person_00/00.png ..., 112 x 112
       make_pictures.py dcface DIR PEOPLE PICTURES   DCFace's layout: beside the pictures of a person, which all
                                                     differ, five extra copies of the first of them
       make_pictures.py bomb FILE SIDE               a small file that decodes to SIDE x SIDE
"""
import pathlib
import random
import struct
import sys
import zlib


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour, compressed):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
            + chunk(b"IDAT", compressed) + chunk(b"IEND", b""))


def fields(rng):
    """4 x 4 fields of 28 x 28 pixels in random colours."""
    rows = []
    for _ in range(4):
        row = b"\0" + b"".join(bytes(rng.randrange(256) for _ in range(3)) * 28 for _ in range(4))
        rows.append(row * 28)
    return png(112, 112, 8, 2, zlib.compress(b"".join(rows), 1))


def bomb(side):
    """Black in 1 bit per pixel, compressed without ever holding the whole of it."""
    packer, row = zlib.compressobj(9), bytes(1 + (side + 7) // 8)
    return png(side, side, 1, 0, b"".join(packer.compress(row) for _ in range(side)) + packer.flush())


if sys.argv[1] in ("fields", "dcface"):
    generator = random.Random(7)
    for person in range(int(sys.argv[3])):
        folder = pathlib.Path(sys.argv[2]) / f"person_{person:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(int(sys.argv[4])):
            picture = fields(generator)
            (folder / f"{number:02d}.png").write_bytes(picture)
            for copy in range(5 if sys.argv[1] == "dcface" and number == 0 else 0):
                (folder / f"identity_{copy}.png").write_bytes(picture)
else:
    pathlib.Path(sys.argv[2]).write_bytes(bomb(int(sys.argv[3])))
