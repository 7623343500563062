#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""review_truth - what each screen of a review shows, read past the server: review_truth REVIEW.db

Prints JSON: {SCREEN: {"reviewer": 1, "position": 1, "item": 1, "kind": "mated", "repeats": null}}.
"""
import json
import sqlite3
import sys

db = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
rows = db.execute("SELECT screen, reviewer, position, item, kind, repeats FROM screens JOIN items USING(item)")
names = ["reviewer", "position", "item", "kind", "repeats"]
print(json.dumps({screen: dict(zip(names, rest)) for screen, *rest in rows}))
