#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""best_matches.py - lists of matches made elsewhere, against what Python's csv and json read from the same files.

usage: best_matches.py PROBE             lists that people would write
       best_matches.py PROBE SOURCE_DIR  those of a published study, in $LIKENESS_DATA or SOURCE_DIR/../shared/data
"""
import csv
import json
import os
import subprocess
import sys
import tempfile

PROBE = sys.argv[1]
T, H, NONE = 0, 1, -1


def read(path):
    out = subprocess.run([PROBE, path], capture_output=True, check=True, text=True).stdout
    return out.strip() if out.startswith("refused ") else [json.loads(line) for line in out.splitlines()]


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as f:
        f.write(data if isinstance(data, str) else json.dumps(data))
    return path


def check_accepted(folder):
    two = [["a/1.png", "x/9.jpg", 0.5, None, None, NONE], ["b/2.png", "y/8.jpg", -0.25, None, None, NONE]]
    marked = [two[0][:5] + [T], two[1][:5] + [H]]
    rows = [["a/1.png", "x/9.jpg", 0.5], ["b/2.png", "y/8.jpg", -0.25]]
    objects = [{"probe_path": p, "referencePath": r, "score": s} for p, r, s in rows]
    cases = {
        "plain.csv": ("a/1.png,x/9.jpg,0.5\nb/2.png,y/8.jpg,-0.25\n", two),
        "marked.csv": ("a/1.png,x/9.jpg,0.5,T\nb/2.png,y/8.jpg,-0.25,holdout\n", marked),
        "spec.csv": ("synthetic,real,score\r\na/1.png,x/9.jpg,5e-1\r\nb/2.png,y/8.jpg,-.25\r\n", two),
        "order.csv": ("Cosine Similarity,extra,Real Image,gallery,Synthetic Image\n0.5,?,x/9.jpg,train,a/1.png\n"
                      "-0.25,?,y/8.jpg,H,b/2.png\n", marked),
        "gallery.csv": ("probe,gallery,score\na/1.png,x/9.jpg,0.5\nb/2.png,y/8.jpg,-0.25\n", two),
        "foreign.csv": ("query_path,ffhq_path,cos\na/1.png,x/9.jpg,0.5\nb/2.png,y/8.jpg,-0.25\n", two),
        "own.csv": ("probe,gallery,rank,score,reference,probe_path,reference_path,probe_identity,reference_identity\n"
                    "3,train,1,0.5,7,a/1.png,x/9.jpg,a,\n4,holdout,1,-0.25,8,,,,\n",
                    [["a/1.png", "x/9.jpg", 0.5, "a", None, T], ["4", "8", -0.25, None, None, H]]),
        "names.csv": ("sample_identity,sample_image_name,best_match_identity,best_match_image_name,similarity\n"
                      '7,"1,2.jpg",x,9.jpg,0.5\n', [["7/1,2.jpg", "x/9.jpg", 0.5, "7", "x", NONE]]),
        "index.csv": ("sample_index,best_match_index,sim\n12,34,1\n", [["12", "34", 1.0, None, None, NONE]]),
        "arrays.json": (rows, two),
        "marked.json": ([rows[0] + ["train"], rows[1] + ["h"]], marked),
        "objects.json": (objects, two),
        "nested.json": ({"metadata": {"n": 2}, "results": objects}, two),
        "model.json": ({"model": "net", "matches": objects}, two),
        "lines.json": ("\n".join(map(json.dumps, objects)), two),
        "each.json": ([{"query": p, "matches": [{"path": r, "similarity": s}]} for p, r, s in rows], two),
        "each_line.jsonl": ("\n".join(json.dumps({"query": p, "top": [{"image": r, "score": s}]})
                                      for p, r, s in rows), two),
    }
    for name, (data, want) in cases.items():
        got = read(write(folder, name, data))
        assert got == want, (name, got, want)
    return len(cases)


def check_refused(folder):
    cases = {
        "empty.csv": ("", "empty"),
        "header.csv": ("probe,reference,score\n", "the list is empty"),
        "two.csv": ("a,b\n", "line 1: no column holds the score; there are: a, b"),
        "five.csv": ("a,b,0.5,T,x\n", "line 1: 5 values without names, expected 3"),
        "word.csv": ("probe,reference,score\na,b,0.5\na,c,high\n", "line 3: column 'score': 'high', expected a number"),
        "nan.csv": ("probe,reference,score\na,b,nan\n", "line 2: column 'score': 'nan'"),
        "none.csv": ("probe,reference,score\n,b,0.5\n", "line 2: no name of the synthetic image"),
        "mark.csv": ("a,b,0.5,X\n", "line 1: column '4': 'X', expected train or holdout"),
        "short.csv": ("probe,reference,score\na,b\n", "line 2: 2 fields, expected 3"),
        "distance.csv": ("probe,reference,distance\na,b,0.5\n", "line 1: column 'distance' holds distances"),
        "sides.csv": ("probe,casia,ffhq,score\na,b,c,0.5\n", "line 1: no column names the real image"),
        "ci.csv": ("Dataset,EER,CI_Lower\nA,0.1,0.2\n", "no column holds the score"),
        "broken.json": ('[["a", "b", 0.5],\n["a", "b" 0.5]]', "line 2, column 13"),
        "text.json": ('[["a", "b", 0.5], ["a", "b", "x"]]', "pair 2: column '3': 'x'"),
        "field.json": ('\n[{"probe": "a", "score": 0.5}]', "line 2: pair 1: no column names the real image"),
        "deep.json": ("[" * 5000, "line 1"),
        "cut.json": ('[["a", "b", 0.5]', "line 1"),
        "lists.json": ('{"a": [[1, 2, 3]], "b": [[1, 2, 3]]}', "both 'a' and 'b' are lists"),
    }
    for name, (data, why) in cases.items():
        got = read(write(folder, name, data))
        assert isinstance(got, str) and why in got and name in got, (name, got)
    return len(cases)


def check_published(folder):
    n = 0
    for kind in ("Best_Matches", "Closest", "CI"):
        base = os.path.join(folder, kind)
        for name in sorted(os.listdir(base)):
            path = os.path.join(base, name)
            got = read(path)
            if kind == "CI":  # figures, no matches
                assert isinstance(got, str) and "no column" in got, (name, got)
                continue
            if kind == "Closest":
                with open(path, encoding="utf-8") as f:
                    want = [[r["query_path"], r["casia_path"], r["similarity_score"], r["query_identity"],
                             r["casia_identity"], NONE] for r in json.load(f)["results"]]
            else:
                with open(path, encoding="utf-8", newline="") as f:
                    want = [[r["sample_identity"] + "/" + r["sample_image_name"],
                             r["best_match_identity"] + "/" + r["best_match_image_name"], float(r["similarity"]),
                             r["sample_identity"], r["best_match_identity"], NONE] for r in csv.DictReader(f)]
            assert got == want, (name, got[:2], want[:2])
            n += len(got)
    return n


if len(sys.argv) > 2:
    leaks = os.path.join(os.environ.get("LIKENESS_DATA", sys.argv[2] + "/../shared/data"), "published_leaks")
    if not os.path.isdir(leaks):
        print("no published lists at", leaks, "(LIKENESS_DATA names another place)")
        sys.exit(77)
    print(check_published(leaks), "published pairs")
else:
    with tempfile.TemporaryDirectory() as scratch:
        print("%d lists accepted, %d refused" % (check_accepted(scratch), check_refused(scratch)))
