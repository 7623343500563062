# SPDX-License-Identifier: Apache-2.0
"""liblikeness.so through ctypes: embeds the face in a picture, scores pairs. include/likeness.h says what is behind it."""
from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
from pathlib import Path
from types import TracebackType

import numpy as np


class LikenessError(RuntimeError):
    """A call of the library failed; `status` is its code (likeness.h)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("sys_errno", ctypes.c_int), ("text", ctypes.c_char * 1000)]


class _CtxOptions(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int), ("model_dir", ctypes.c_char_p), ("data_dir", ctypes.c_char_p),
                ("message", ctypes.c_void_p), ("progress", ctypes.c_void_p), ("user", ctypes.c_void_p)]


class _EmbedderOptions(ctypes.Structure):
    _fields_ = [("model", ctypes.c_char_p), ("detector", ctypes.c_char_p), ("aligned", ctypes.c_int),
                ("age_model", ctypes.c_char_p)]


@functools.cache
def _library() -> ctypes.CDLL:
    """$LIKENESS_LIBRARY, else liblikeness.so.0 as the system finds it."""
    name = os.environ.get("LIKENESS_LIBRARY") or "liblikeness.so.0"
    try:
        lib = ctypes.CDLL(name)
    except OSError as e:
        raise OSError(f"cannot load {name}: {e}; install likeness, or name the library in LIKENESS_LIBRARY") from e
    pointer, text, error = ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(_Error)
    for function, result, *arguments in (
            (lib.lk_version, text),
            (lib.lk_ctx_options_init, None, ctypes.POINTER(_CtxOptions)),
            (lib.lk_ctx_new, ctypes.c_int, ctypes.POINTER(pointer), ctypes.POINTER(_CtxOptions), error),
            (lib.lk_ctx_free, None, pointer),
            (lib.lk_embedder_options_init, None, ctypes.POINTER(_EmbedderOptions)),
            (lib.lk_embedder_open, ctypes.c_int, ctypes.POINTER(pointer), pointer, ctypes.POINTER(_EmbedderOptions), error),
            (lib.lk_embedder_dim, ctypes.c_int, pointer),
            (lib.lk_embedder_file, ctypes.c_int, pointer, text, pointer, error),
            (lib.lk_embedder_free, None, pointer),
            (lib.lk_score, ctypes.c_float, pointer, pointer, ctypes.c_size_t)):
        function.restype, function.argtypes = result, arguments
    return lib


def library_version() -> str:
    return _library().lk_version().decode()


def _check(status: int, error: _Error) -> None:
    if status != 0:
        raise LikenessError(status, error.text.decode(errors="replace"))


def _path(value: str | os.PathLike[str] | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def score(a: np.ndarray, b: np.ndarray) -> float:
    """The score of two embeddings exactly as `likeness match` computes it: float32 products summed in double, in order,
    rounded to float32. Both are vectors of unit length; they are not scaled."""
    a, b = (np.ascontiguousarray(x, dtype=np.float32) for x in (a, b))
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"found shapes {a.shape} and {b.shape}, expected two vectors of one length")
    return _library().lk_score(a.ctypes.data, b.ctypes.data, a.size)


class Embedder:
    """Turns the face in a picture into a vector, as `likeness embed` does.

        with likeness.Embedder() as embedder:
            vector = embedder.file("photo.jpg")

    One embedder serves one thread at a time. `model` and `detector` are names of `likeness models` or descriptors;
    `aligned` says that pictures are crops on the model's template already."""

    def __init__(self, model: str | os.PathLike[str] | None = None, detector: str | os.PathLike[str] | None = None,
                 *, aligned: bool = False, model_dir: str | os.PathLike[str] | None = None,
                 data_dir: str | os.PathLike[str] | None = None) -> None:
        self._ctx, self._handle = ctypes.c_void_p(), ctypes.c_void_p()
        lib, error = _library(), _Error()
        options, embedder = _CtxOptions(), _EmbedderOptions()
        lib.lk_ctx_options_init(ctypes.byref(options))
        options.threads, options.model_dir, options.data_dir = 1, _path(model_dir), _path(data_dir)
        _check(lib.lk_ctx_new(ctypes.byref(self._ctx), ctypes.byref(options), ctypes.byref(error)), error)
        lib.lk_embedder_options_init(ctypes.byref(embedder))
        embedder.model, embedder.detector, embedder.aligned = _path(model), _path(detector), int(aligned)
        try:
            _check(lib.lk_embedder_open(ctypes.byref(self._handle), self._ctx, ctypes.byref(embedder),
                                        ctypes.byref(error)), error)
        except LikenessError:
            self.close()
            raise

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return _library().lk_embedder_dim(self._open())

    def file(self, path: str | os.PathLike[str]) -> np.ndarray:
        """The face in a picture as a float32 vector of unit length. LikenessError for a picture that cannot be read or
        shows no face."""
        handle, error = self._open(), _Error()
        out = np.empty(_library().lk_embedder_dim(handle), dtype=np.float32)
        _check(_library().lk_embedder_file(handle, os.fsencode(Path(path)), out.ctypes.data, ctypes.byref(error)), error)
        return out

    def close(self) -> None:
        """Frees the networks; also done at the end of `with` and when nobody holds the embedder any more."""
        if self._handle:
            _library().lk_embedder_free(self._handle)
        if self._ctx:
            _library().lk_ctx_free(self._ctx)
        self._handle, self._ctx = ctypes.c_void_p(), ctypes.c_void_p()

    def _open(self) -> ctypes.c_void_p:
        if not self._handle:
            raise ValueError("this embedder was closed")
        return self._handle

    def __enter__(self) -> Embedder:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self.close()
