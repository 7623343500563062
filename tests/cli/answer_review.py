#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""answer_review.py - reads and answers a review with nothing but docs/formats.md and SQLite: hashes are made again here.

usage: answer_review.py check REVIEW TOKEN...   the plan's hash and the tokens' hashes are right; what is shown is in order
       answer_review.py answer REVIEW           every reviewer answers all: the first is right, the second says 0, the third
                                                calls everything the same
"""
import hashlib
import sqlite3
import sys


def field(value):
    if value is None:
        return b"-,"
    if isinstance(value, bytes):
        value = hashlib.sha256(value).hexdigest()
    text = ("%.17g" % value if isinstance(value, float) else str(value)).encode()
    return b"%d:%s," % (len(text), text)


def plan_hash(db):
    queries = ["SELECT key, value FROM review WHERE key <> 'plan_sha256' ORDER BY key",
               "SELECT reviewer, name, adjudicator, token_sha256 FROM reviewers ORDER BY reviewer",
               "SELECT picture, crop, original FROM pictures ORDER BY picture",
               "SELECT item, kind, repeats, image_picture, reference_picture, image, reference, identity, person, score, "
               "e_value, discovery FROM items ORDER BY item",
               "SELECT item, side, number, picture, path FROM context ORDER BY item, side, number",
               "SELECT reviewer, position, screen, item, swapped FROM screens ORDER BY reviewer, position"]
    return hashlib.sha256(b"".join(field(v) for q in queries for row in db.execute(q) for v in row)).hexdigest()


def size_of(jpeg):
    """Width and height, and the kinds of segments before the picture's data."""
    at, kinds, size = 2, [], None
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2:at + 4], "big")
        kinds.append(marker)
        if marker in (0xc0, 0xc2):
            size = (int.from_bytes(jpeg[at + 7:at + 9], "big"), int.from_bytes(jpeg[at + 5:at + 7], "big"))
        if marker == 0xda:
            return size, kinds
        at += 2 + length


def check(db, tokens):
    values = dict(db.execute("SELECT key, value FROM review"))
    assert plan_hash(db) == values["plan_sha256"]
    stored = [row[0] for row in db.execute("SELECT token_sha256 FROM reviewers ORDER BY reviewer")]
    assert stored == [hashlib.sha256(t.encode()).hexdigest() for t in tokens], stored
    for crop, original in db.execute("SELECT crop, original FROM pictures"):
        for jpeg, side in ((crop, 224), (original, 640)):
            if jpeg is not None:
                size, kinds = size_of(jpeg)
                assert size == (side, side), size
                assert not {k for k in kinds if k == 0xfe or 0xe1 <= k <= 0xef}, "metadata"  # comments, EXIF and the like
    items = {row[0]: row[1:] for row in db.execute("SELECT item, kind, repeats, image, reference, identity, person FROM items")}
    for kind, repeats, image, reference, identity, person in items.values():
        if kind == "mated":
            assert identity == person and image != reference and image.startswith("train/")
        elif kind == "decoy":
            assert image.startswith("made/") and reference.startswith("holdout/")
        elif kind == "candidate":
            assert image.startswith("made/") and reference.startswith("train/")
        elif kind == "repeat":
            assert items[repeats][2:] == (image, reference, identity, person)
    orders = []
    for reviewer in range(1, len(tokens)):
        shown = db.execute("SELECT item, swapped FROM screens WHERE reviewer = ? ORDER BY position", (reviewer,)).fetchall()
        assert sorted(item for item, _ in shown) == list(range(1, len(items) + 1))
        assert 0 < sum(swapped for _, swapped in shown) < len(shown)
        orders.append(shown)
    assert len({tuple(order) for order in orders}) == len(orders)
    print(", ".join(f"{sum(i[0] == kind for i in items.values())} {kind}" for kind in
                    ("candidate", "mated", "decoy", "easy", "repeat")))


def answer(db):
    last = db.execute("SELECT value FROM review WHERE key = 'plan_sha256'").fetchone()[0]
    seq = 0
    for (reviewer,) in db.execute("SELECT reviewer FROM reviewers WHERE adjudicator = 0").fetchall():
        for screen, kind, shown in db.execute(
                "SELECT screen, a.kind, coalesce(b.kind, a.kind) FROM screens JOIN items a USING(item) LEFT JOIN items b ON "
                "a.repeats = b.item WHERE reviewer = ? ORDER BY position", (reviewer,)).fetchall():
            value = {1: 3 if shown in ("candidate", "mated") else -3, 2: 0, 3: 1}[reviewer]
            seq += 1
            row = (seq, 1700000000000 + seq, reviewer, "answer", screen, None, str(value), "é, \"n\"" if seq == 2 else None, 900)
            last = hashlib.sha256(b"".join(field(v) for v in (last, *row))).hexdigest()
            db.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, last))
    db.commit()
    print(last)


with sqlite3.connect(sys.argv[2]) as database:
    check(database, sys.argv[3:]) if sys.argv[1] == "check" else answer(database)
