# SPDX-License-Identifier: Apache-2.0
"""Results of likeness as NumPy arrays and pandas tables, and its library for embedding and scoring.

    import likeness
    faces = likeness.read_faces("audit/train")
    faces.embeddings            # numpy array, one row for each face
    faces.table()               # pandas.DataFrame of images.csv
    likeness.read_match("audit/match").table("pairs")

docs/python.md shows the rest. Reading needs NumPy alone, tables pandas too, and what embeds or scores liblikeness.so.
"""
from ._library import Embedder, LikenessError, library_version, score
from ._readers import (Faces, Match, Measures, read_faces, read_manifest, read_match, read_measures, read_report,
                       read_table, read_thresholds)

__version__ = "0.1.0"
__all__ = ["Embedder", "Faces", "LikenessError", "Match", "Measures", "library_version", "read_faces",
           "read_manifest", "read_match", "read_measures", "read_report", "read_table", "read_thresholds", "score"]
