# SPDX-License-Identifier: Apache-2.0
"""Reads the folders and files that likeness writes (docs/formats.md)."""
from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas

PathLike = str | os.PathLike[str]

# Columns that are text whatever stands in them: an identity "007" is no number.
_TEXT = {"path", "identity", "status", "message", "gallery", "person", "kind", "probe_path", "reference_path",
         "probe_identity", "reference_identity", "image_path", "holdout_gallery", "holdout_image_path",
         "holdout_reference_path", "place", "name", "other_name", "reason", "criterion", "sha256"}
# Whole numbers that may be missing.
_WHOLE = {"row", "faces", "width", "height", "rank", "probe", "reference", "image", "in_degree", "images",
          "holdout_image", "holdout_reference", "other_reference", "sample", "exact", "discovery", "flagged",
          "extrapolated", "dropped", "other_dropped"}


def _read_json(path: Path, kind: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as f:
            value = json.load(f)
    except json.JSONDecodeError as e:
        raise ValueError(f"{path}: not JSON: {e}") from e
    found = value.get("kind") if isinstance(value, dict) else None
    if found != kind:
        raise ValueError(f"{path}: found kind {found!r}, expected {kind!r}")
    if value.get("format") != 1:
        raise ValueError(f"{path}: found format {value.get('format')!r}, expected 1")
    return value


def read_table(path: PathLike) -> pandas.DataFrame:
    """Any CSV table of likeness: text, whole numbers that may be missing (Int64), floats. Empty text stays "".

    Scores have nine digits, which give back the same float32. Bytes of file names that are no UTF-8 become surrogates,
    as everywhere in Python: os.fsencode gives them back."""
    try:
        import pandas
    except ImportError as e:
        raise ImportError("tables need pandas: install python3-pandas, or pandas from PyPI") from e
    table = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8",
                            encoding_errors="surrogateescape")
    for column in table.columns:
        if column in _TEXT or column.startswith("group:"):
            continue
        try:
            numbers = pandas.to_numeric(table[column].where(table[column] != ""))
        except ValueError:
            continue  # a column that this version does not know, and text
        table[column] = numbers.astype("Int64" if column in _WHOLE else float)
    return table


@dataclass(frozen=True)
class Faces:
    """A FACES directory: `likeness embed`."""

    folder: Path
    meta: dict[str, Any]
    #: One row for each image with a face, unit length, float32; mapped from the file, read-only.
    embeddings: np.ndarray = field(repr=False)

    def table(self) -> pandas.DataFrame:
        """images.csv: one line for each image, those without a face included."""
        return read_table(self.folder / "images.csv")

    def rows(self) -> pandas.DataFrame:
        """The lines of images.csv with a face, in the order of the embeddings."""
        table = self.table()
        return table[table["row"].notna()].set_index(table["row"].dropna().astype("int64"))


@dataclass(frozen=True)
class Match:
    """A MATCH directory: `likeness match`."""

    folder: Path
    meta: dict[str, Any]

    def table(self, name: str = "pairs") -> pandas.DataFrame:
        """One of its tables: pairs, holdout_pairs, nearest, nearest_identities, references, range, histogram."""
        return read_table(self.folder / f"{name}.csv")

    def histogram(self, gallery: str = "train") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(edges, sample, exact): 401 edges of the bins, counts of the sample, and of all pairs (NaN below exact_from)."""
        table = self.table("histogram")
        part = table[table["gallery"] == gallery]
        if part.empty:
            raise ValueError(f"{self.folder}/histogram.csv: no gallery {gallery!r}")
        edges = np.append(part["low"].to_numpy(float), part["high"].to_numpy(float)[-1])
        return edges, part["sample"].to_numpy("int64"), part["exact"].to_numpy(float, na_value=np.nan)


@dataclass(frozen=True)
class Measures:
    """What `likeness measure` wrote; the other matchers lie in `matchers`, by name."""

    folder: Path
    numbers: dict[str, Any]  # measures.json
    matchers: dict[str, Measures] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> str:
        return self.numbers["verdict"]["name"]

    @property
    def measures(self) -> dict[str, Any]:
        """L0_exposure, L3_preference, ...; None where one was not measured."""
        return self.numbers["measures"]

    def table(self, name: str = "identities") -> pandas.DataFrame:
        """One of its tables: identities, persons, pairs, curve, doubles, matchers."""
        return read_table(self.folder / f"{name}.csv")


def read_faces(folder: PathLike) -> Faces:
    folder = Path(folder)
    meta = _read_json(folder / "meta.json", "faces")
    embeddings = np.load(folder / "embeddings.npy", mmap_mode="r", allow_pickle=False)
    if embeddings.ndim != 2 or embeddings.dtype != np.dtype("<f4"):
        raise ValueError(f"{folder}/embeddings.npy: found {embeddings.dtype} in {embeddings.ndim} dimensions, "
                         "expected float32 in 2")
    return Faces(folder, meta, embeddings)


def read_match(folder: PathLike) -> Match:
    folder = Path(folder)
    return Match(folder, _read_json(folder / "meta.json", "match"))


def read_measures(folder: PathLike) -> Measures:
    folder = Path(folder)
    numbers = _read_json(folder / "measures.json", "measures")
    several = numbers["measures"].get("L9_matchers") or {"matchers": []}
    others = {m["name"]: read_measures(folder / m["folder"]) for m in several["matchers"] if m["folder"] is not None}
    return Measures(folder, numbers, others)


def read_report(path: PathLike) -> dict[str, Any]:
    """report.json, or the folder that holds it."""
    path = Path(path)
    return _read_json(path / "report.json" if path.is_dir() else path, "report")


def read_thresholds(path: PathLike) -> dict[str, Any]:
    """thresholds.json of `likeness calibrate`; `thresholds` becomes a structured array (fmr, score, tar, supported)."""
    value = _read_json(Path(path), "thresholds")
    rows = [(t["fmr"], t["score"], np.nan if t.get("tar") is None else t["tar"], t.get("supported", True))
            for t in value["thresholds"]]
    value["thresholds"] = np.array(rows, dtype=[("fmr", float), ("score", float), ("tar", float), ("supported", bool)])
    return value


def read_manifest(path: PathLike) -> dict[str, Any]:
    """manifest.json, or the folder that holds it. `likeness verify` checks what it says; this does not."""
    path = Path(path)
    return _read_json(path / "manifest.json" if path.is_dir() else path, "manifest")
