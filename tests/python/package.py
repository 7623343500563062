#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""package - the Python package over results that the program makes here, and over the library that was built.

usage: package PROGRAM LIBRARY SOURCE_DIR
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

program, library, source = (Path(a).resolve() for a in sys.argv[1:4])
try:
    import numpy as np
    import onnx  # noqa: F401  (makes the tests' recogniser)
    import pandas
except ImportError as e:
    print(f"skipped: {e.name} is not installed")
    sys.exit(77)
os.environ.update(LIKENESS_LIBRARY=str(library), LIKENESS_DATA_DIR=str(source))
sys.path.insert(0, str(source / "python"))
import likeness  # noqa: E402


def run(*arguments):
    done = subprocess.run([program, *map(str, arguments), "-q"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"likeness {arguments}: {done.stderr}")
    return done.stdout


def make(folder):
    """Pictures, a recogniser, an audit; made vectors and what is measured of them."""
    os.chdir(folder)
    scripts = source / "tests" / "cli"
    subprocess.run([sys.executable, scripts / "make_tiny_model.py", "tiny"], check=True)
    subprocess.run([sys.executable, scripts / "make_pictures.py", "fields", "real", "12", "2"], check=True)
    subprocess.run([sys.executable, scripts / "make_pictures.py", "fields", "made", "6", "2"], check=True)
    Path("made/person_00/broken.png").write_text("no picture")
    done = subprocess.run([program, "audit", "--aligned", "-m", "tiny/tiny.json", "--train", "real", "--synthetic", "made",
                           "-o", "audit", "-q"], capture_output=True, text=True)
    if done.returncode != 3:
        sys.exit(done.stderr)
    run("simulate", "--identities", 60, "--persons", 60, "--controls", 0, "--share", 0.3, "-o", "sim")
    sets = ["--synthetic=sim/synthetic", "--train=sim/train", "--holdout=sim/holdout"]
    run("measure", *sets, "-o", "measure", "--matcher", "again", *sets)
    run("calibrate", "sim/train", "-o", "thresholds.json")


class Package(unittest.TestCase):
    def test_faces(self):
        faces = likeness.read_faces("audit/synthetic")
        self.assertEqual(faces.embeddings.shape, (12, faces.meta["model"]["dim"]))
        np.testing.assert_allclose(np.linalg.norm(faces.embeddings, axis=1), 1, atol=1e-6)
        table = faces.table()
        self.assertEqual(len(table), 13)
        self.assertEqual(set(table["status"]), {"ok", "unreadable"})
        self.assertTrue(table.loc[table["status"] == "unreadable", "row"].isna().all())
        self.assertEqual(list(faces.rows().index), list(range(12)))
        self.assertEqual(str(table["row"].dtype), "Int64")
        with self.assertRaises(ValueError):
            faces.embeddings[0, 0] = 1

    def test_match_and_score(self):
        match = likeness.read_match("audit/match")
        made, real = likeness.read_faces("audit/synthetic"), likeness.read_faces("audit/train")
        pairs = match.table()
        self.assertEqual(len(pairs), 12 * 24)
        for pair in pairs.iloc[::17].itertuples():
            again = likeness.score(made.embeddings[pair.probe], real.embeddings[pair.reference])
            self.assertEqual(np.float32(again), np.float32(pair.score))
        edges, sample, exact = match.histogram()
        self.assertEqual((len(edges), edges[0], edges[-1]), (401, -1, 1))
        self.assertEqual(exact.sum(), match.meta["pairs"])
        self.assertEqual(sample.sum(), match.meta["sample"]["size"])
        with self.assertRaises(ValueError):
            match.histogram("holdout")

    def test_measures(self):
        measures = likeness.read_measures("measure")
        table = measures.table()
        self.assertEqual(len(table), measures.numbers["units"])
        self.assertEqual(table["discovery"].sum(), measures.measures["L4_discoveries"]["discoveries"])
        self.assertEqual(list(measures.matchers), ["again"])
        self.assertEqual(measures.matchers["again"].verdict, measures.verdict)
        for name in ("persons", "pairs", "curve", "doubles", "matchers"):
            self.assertIsInstance(measures.table(name), pandas.DataFrame)

    def test_json(self):
        report = likeness.read_report("audit")
        self.assertEqual(report["kind"], "report")
        self.assertEqual(likeness.read_report("audit/report.json"), report)
        thresholds = likeness.read_thresholds("thresholds.json")["thresholds"]
        self.assertTrue((np.diff(thresholds["fmr"]) < 0).all() and (thresholds["score"] <= 1).all())
        self.assertIn("train", [s["path"] for s in likeness.read_manifest("audit")["sets"]])
        with self.assertRaisesRegex(ValueError, "found kind 'report', expected 'faces'"):
            os.makedirs("wrong", exist_ok=True)
            Path("wrong/meta.json").write_text('{"kind": "report"}')
            likeness.read_faces("wrong")

    def test_embedder(self):
        made = likeness.read_faces("audit/synthetic")
        with likeness.Embedder("tiny/tiny.json", aligned=True) as embedder:
            self.assertEqual(embedder.dim, made.embeddings.shape[1])
            for row, line in made.rows().iloc[::5].iterrows():
                np.testing.assert_array_equal(embedder.file(line["path"]), made.embeddings[row])
            with self.assertRaisesRegex(likeness.LikenessError, "broken.png"):
                embedder.file("made/person_00/broken.png")
        with self.assertRaises(ValueError):
            embedder.file("made/person_00/broken.png")
        with self.assertRaises(likeness.LikenessError):
            likeness.Embedder("none.json")
        with self.assertRaises(ValueError):
            likeness.score(made.embeddings[0], made.embeddings[0][:3])

    def test_versions(self):
        self.assertEqual(likeness.library_version(), likeness.__version__)
        self.assertIn(f'version: "{likeness.__version__}"'.replace('"', "'"), (source / "meson.build").read_text())

    def test_text_columns(self):
        Path("t.csv").write_bytes(b'row,path,identity,score,new\n0,a\xff.png,007,0.5,x\n,"b,c",NA,,y\n')
        table = likeness.read_table("t.csv")
        self.assertEqual(os.fsencode(table["path"][0]), b"a\xff.png")
        self.assertEqual(list(table["identity"]), ["007", "NA"])
        self.assertEqual(list(table["new"]), ["x", "y"])
        self.assertTrue(np.isnan(table["score"][1]) and pandas.isna(table["row"][1]))


with tempfile.TemporaryDirectory(prefix="likeness-python-") as scratch:
    make(scratch)
    result = unittest.main(argv=["package"], exit=False)
    os.chdir("/")
sys.exit(not result.result.wasSuccessful())
