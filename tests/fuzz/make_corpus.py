#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_corpus.py - makes the first files of the fuzz targets: small, drawn by formula, always the same.

Needs NumPy, h5py, libturbojpeg and libwebp. The files are in the repository; run this only to change them.
"""
import bz2
import ctypes
import gzip
import hashlib
import io
import json
import lzma
import os
import struct
import tarfile
import warnings
import zipfile
import zlib

import h5py
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
W, H = 24, 17


def save(target, name, data):
    assert len(data) < 8192, (target, name, len(data))
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as f:
        f.write(data)


def picture(channels):
    y, x = np.mgrid[0:H, 0:W]
    planes = [(x * 10) % 256, (y * 15) % 256, (x * y) % 256, (x * 11 + y) % 256]
    return np.ascontiguousarray(np.stack(planes[:channels], axis=-1).astype(np.uint8))


def exif(orientation, big=False):
    order = ">" if big else "<"
    tags = struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return (b"MM" if big else b"II") + struct.pack(order + "HI", 42, 8) + tags


# ---- JPEG ----------------------------------------------------------------------------------------------


def jpeg(channels, subsampling, flags=0):
    turbo = ctypes.CDLL("libturbojpeg.so.0")
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    buffer, size = ctypes.c_void_p(), ctypes.c_ulong()
    pixels = picture(channels)
    pixel_format = {1: 6, 3: 0, 4: 11}[channels]  # TJPF_GRAY, TJPF_RGB, TJPF_CMYK
    assert turbo.tjCompress2(handle, pixels.ctypes.data_as(ctypes.c_void_p), W, 0, H, pixel_format,
                             ctypes.byref(buffer), ctypes.byref(size), subsampling, 75, flags) == 0
    data = ctypes.string_at(buffer, size.value)
    turbo.tjFree(buffer)
    turbo.tjDestroy(handle)
    return data


def with_exif(data, orientation, big):
    block = b"Exif\0\0" + exif(orientation, big)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def make_jpegs():
    progressive = 1 << 14
    save("image", "colour.jpg", jpeg(3, 2))
    save("image", "colour444.jpg", jpeg(3, 0))
    save("image", "grey.jpg", jpeg(1, 3))
    save("image", "progressive.jpg", jpeg(3, 2, progressive))
    save("image", "ycck.jpg", jpeg(4, 2))
    save("image", "ycck-progressive.jpg", jpeg(4, 0, progressive))
    save("image", "orientation6.jpg", with_exif(jpeg(3, 2), 6, False))
    save("image", "orientation8.jpg", with_exif(jpeg(3, 2), 8, True))
    save("image", "cut.jpg", jpeg(3, 2)[:-60])
    huge = bytearray(jpeg(3, 2))
    at = huge.index(b"\xff\xc0")
    huge[at + 5:at + 9] = struct.pack(">HH", 30000, 30000)
    save("image", "bomb.jpg", bytes(huge))


# ---- PNG -----------------------------------------------------------------------------------------------


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows, extra=b"", interlaced=0, end=True):
    raw = b"".join(bytes([i % 5]) + row for i, row in enumerate(rows))  # every filter type in turn
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(raw, 9)) +
            (chunk(b"IEND", b"") if end else b""))


def interlace(pixels):
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2)]
    return [row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx] if row.size]


def make_pngs():
    rgb, rgba, grey = picture(3), picture(4), picture(1)
    rows = [r.tobytes() for r in rgb]
    save("image", "rgb.png", png(W, H, 8, 2, rows))
    save("image", "rgba.png", png(W, H, 8, 6, [r.tobytes() for r in rgba]))
    save("image", "rgb16.png", png(W, H, 16, 2, [r.astype(">u2").tobytes() for r in rgb]))
    save("image", "grey.png", png(W, H, 8, 0, [r.tobytes() for r in grey]))
    save("image", "grey-alpha.png", png(W, H, 8, 4, [r.tobytes() for r in picture(2)]))
    for depth in (1, 2, 4):
        save("image", f"grey{depth}.png", png(W, H, depth, 0, [bytes([0x1b]) * (W * depth // 8)] * H))
    palette = chunk(b"PLTE", bytes(range(48))) + chunk(b"tRNS", bytes(range(0, 256, 16)))
    save("image", "palette.png", png(W, H, 4, 3, [bytes(range(W // 2))] * H, palette))
    save("image", "colour-key.png", png(W, H, 8, 2, rows, chunk(b"tRNS", struct.pack(">HHH", 0, 0, 0))))
    save("image", "interlaced.png", png(W, H, 8, 2, interlace(rgb), interlaced=1))
    extras = (chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"eXIf", exif(5)) +
              chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 5000)) +
              chunk(b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 300)))
    save("image", "extras.png", png(W, H, 8, 2, rows, extras))
    save("image", "no-end.png", png(W, H, 8, 2, rows, end=False))
    save("image", "cut.png", png(W, H, 8, 2, rows)[:-40])
    save("image", "bomb.png", png(30000, 30000, 8, 2, [bytes(90001)] * 8))


# ---- WebP ----------------------------------------------------------------------------------------------


def webp(channels, quality):
    lib = ctypes.CDLL("libwebp.so.7")
    pixels, out = picture(channels), ctypes.c_void_p()
    name = {3: "RGB", 4: "RGBA"}[channels]
    at, sizes = pixels.ctypes.data_as(ctypes.c_void_p), (W, H, W * channels)
    for f in ("WebPEncodeLossless" + name, "WebPEncode" + name):
        getattr(lib, f).restype = ctypes.c_size_t
    if quality is None:
        n = getattr(lib, "WebPEncodeLossless" + name)(at, *sizes, ctypes.byref(out))
    else:
        n = getattr(lib, "WebPEncode" + name)(at, *sizes, ctypes.c_float(quality), ctypes.byref(out))
    assert n > 0
    return ctypes.string_at(out, n)


def riff(*chunks):
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) & 1) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_webps():
    lossy = webp(3, 60)
    save("image", "lossy.webp", lossy)
    save("image", "lossless.webp", webp(3, None))
    save("image", "lossy-alpha.webp", webp(4, 60))
    save("image", "lossless-alpha.webp", webp(4, None))
    size = struct.pack("<I", W - 1)[:3] + struct.pack("<I", H - 1)[:3]
    save("image", "exif.webp", riff((b"VP8X", b"\x08\0\0\0" + size), (b"VP8 ", lossy[20:]),
                                    (b"EXIF", exif(7))))
    save("image", "animated.webp", riff((b"VP8X", b"\x02\0\0\0" + size), (b"ANIM", bytes(6)),
                                        (b"ANMF", bytes(6) + size + bytes(4) + lossy[12:])))
    save("image", "cut.webp", lossy[:-30])


# ---- tables, JSON, arrays --------------------------------------------------------------------------------

FACES = ("row,path,identity,status,faces,width,height,box_x,box_y,box_w,box_h,detector_score,"
         "left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,mouth_left_x,mouth_left_y,"
         "mouth_right_x,mouth_right_y,mouth_x,mouth_y,feature_norm,message\n")


def make_tables():
    save("csv", "faces", (FACES + "0,a/1.jpg,a,ok,1,250,250,1,2,3,4,0.99," + "5.5,6.25," * 6 + "20.1,\n" +
                          '1,"a/x,""y"".jpg",a,ok,1,250,250,,,,,,' + "," * 12 + "20.1,\n" +
                          ",b.png,,no_face,0,10,10,,,,,," + "," * 12 + ",\n" +
                          ',c.png,,unreadable,0,0,0,,,,,,' + "," * 12 + ',"cut, off"\n').encode())
    strata = FACES.replace("feature_norm", "feature_norm,sharpness,yaw,age").replace("\n", ",group:a\n")
    save("csv", "strata", (strata + "0,a.jpg,,ok,1,9,9,,,,,," + "," * 12 + "20.1,0.25,-12.5,33.5,,x\n" +
                           ",b.jpg,,no_face,0,9,9,,,,,," + "," * 12 + ",,,,,\n").encode())
    save("csv", "exclude", b"group,kind,path,keep,reason\n1,,a.jpg,yes,\n1,near,b.jpg,no,near duplicate of a.jpg\n1,near,b.jpg,no,\n")
    save("csv", "quotes", b'a,b\n"1,2","3\r\n""4"""\nx"y, z \n')
    save("csv", "crlf", b"\xef\xbb\xbfa,b\r\n1,-2.5e3\r\n\r\n18446744073709551615,nan\r\n")
    save("csv", "open", b'a\n"x\n')
    save("csv", "ragged", b"a,b\n1\n")
    save("json", "meta", b'''{"kind": "faces", "format": 1, "working_directory": "/data",
        "model": {"name": "m", "dim": 128}, "counts": {"images": 3, "embedded": 2}, "detector": null,
        "seconds": 1.5}''')
    save("json", "descriptor", b'''{"name": "sface", "task": "recognise", "input": {"width": 112,
        "layout": "nchw", "mean": [127.5, 127.5, 127.5]}, "restricted": false,
        "thresholds": [{"fmr": 1e-3, "score": 0.3}]}''')
    save("json", "escapes", b'{"a\\u00e9\\n": "\\ud83d\\ude00", "b": [[[[]]]], "c": -1e-400}')
    save("json", "twice", b'{"a": 1, "a": 2}')
    save("json", "latin1", b"caf\xe9 \xff\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80 \xe2\x82")


def make_arrays():
    values = np.linspace(-2, 2, 12).reshape(3, 4)
    for name, array in (("f2", values.astype("<f2")), ("f4", values.astype("<f4")),
                        ("f8", values.astype("<f8")), ("empty", np.zeros((0, 5), "<f4")),
                        ("big", values.astype(">f4")), ("ints", np.ones((2, 2), "<i4")),
                        ("flat", values.astype("<f4").ravel()), ("fortran", np.asfortranarray(values))):
        for version in ((1, 0), (2, 0), (3, 0)) if name == "f4" else ((1, 0),):
            stream = io.BytesIO()
            np.lib.format.write_array(stream, array, version)
            save("npy", f"{name}-{version[0]}", stream.getvalue())
    head = b"{'shape':(2,3),'fortran_order':False,'descr':\"=f4\"}"
    save("npy", "unaligned", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(range(24)))
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1, 1), }"
    save("npy", "objects", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + b"\x80\x04N.")
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905, 4), }"
    save("npy", "overflow", b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + bytes(16))


# ---- kept codes of the search (docs/formats.md) -------------------------------------------------------------


def codes_cache(rows, dim, used, version="0.1.0", level=b"portable", wrong=()):
    """A cache whose axes are the first coordinates, its rows those of fuzz_codes_cache.c."""
    depth, projected = (used + 3) // 4 * 4, used < dim
    panel_rows = 16
    fine, panels = 2 * depth <= dim, -(-rows // panel_rows)
    x = np.zeros((panels * panel_rows, depth))
    for i in range(rows):
        full = np.zeros(max(dim, depth))
        full[i % dim] = -0.6 if i % 3 == 0 else 0.6
        full[(i + 1) % dim] = 0.8 if dim > 1 else 1
        full[used:] = 0
        x[i] = full[:depth]
    scale = np.full(panels, 0.8 / 127 * 1.00001, "<f4")
    codes = np.rint(x / scale[0]).astype(np.int16) + 128
    packed = codes.reshape(panels, panel_rows, depth // 4, 4).transpose(0, 2, 1, 3).astype(np.uint8)
    parts = [np.eye(dim, depth, dtype="<f4") * (np.arange(depth) < used).astype("<f4") if projected else b"",
             packed, scale, np.full(panels, 0.02, "<f4"), np.full(panels, 1.01, "<f4"),
             x[:rows].astype("<f4") if fine else b""]
    body = b""
    for part in parts:
        data = part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
        body += data + bytes(-len(data) % 64)
    fields = dict(order=0x01020304, format=1, dim=dim, rows=rows, used=used, depth=depth, panel_rows=panel_rows, share=1,
                  projected=int(projected), fine=int(fine), skew=1e-7 if projected else 0.0, longest=1.001, reach=1.01,
                  fine_error=1e-6, len=256 + len(body) + 64)
    fields.update(wrong)
    head = struct.pack("<16sII32s16s64s4Q4I2d2fQ40x", b"likeness codes\n", fields["order"], fields["format"],
                       version.encode(), level, b"0" * 64, *[fields[k] for k in ("dim", "rows", "used", "depth",
                       "panel_rows", "share", "projected", "fine", "skew", "longest", "reach", "fine_error", "len")])
    return head + body + hashlib.sha256(head + body).hexdigest().encode()


def make_codes_caches():
    save("codes_cache", "prefix", codes_cache(20, 16, 8))
    save("codes_cache", "whole", codes_cache(33, 6, 6))
    save("codes_cache", "one-axis", codes_cache(5, 3, 1))
    save("codes_cache", "avx2", codes_cache(20, 16, 8, level=b"avx2"))
    save("codes_cache", "version", codes_cache(20, 16, 8, version="9.9.9"))
    save("codes_cache", "rows", codes_cache(20, 16, 8, wrong={"rows": 1 << 62}))
    save("codes_cache", "panels", codes_cache(20, 16, 8, wrong={"share": 0}))
    save("codes_cache", "cut", codes_cache(20, 16, 8)[:-70])
    save("codes_cache", "nan", codes_cache(20, 16, 8, wrong={"skew": float("nan")}))


# ---- embeddings made elsewhere ---------------------------------------------------------------------------


def npz_file(method, **arrays):
    """An .npz with no time of the day in it, so that it is always the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as z:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.save(part, array, allow_pickle=True)
            z.writestr(zipfile.ZipInfo(name + ".npy"), part.getvalue(), method)
    return stream.getvalue()


def make_npzs():
    values = np.linspace(-2, 2, 12).reshape(3, 4)
    f4 = values.astype("<f4")
    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    save("npz", "stored", npz_file(stored, x=f4))
    save("npz", "deflated", npz_file(deflated, x=values, count=np.int64(3)))
    save("npz", "fortran", npz_file(deflated, x=np.asfortranarray(values.astype(">f2"))))
    save("npz", "labels", npz_file(stored, x=f4, labels=np.array([-1, 2, 300], ">i2"), paths=np.array(["a/\u00e9.jpg", "b", ""])))
    save("npz", "bytes", npz_file(stored, x=f4, identity=np.array([b"a", b"bcd", b""]), files=np.arange(3, dtype="<u8")))
    save("npz", "left-aside", npz_file(stored, x=f4, labels=np.arange(4), paths=np.full(3, None)))
    save("npz", "two", npz_file(stored, x=f4, y=f4))
    save("npz", "objects", npz_file(stored, x=np.full((2, 2), None)))
    save("npz", "cut", npz_file(stored, x=f4)[:-10])
    save("npz", "crc", npz_file(stored, x=f4).replace(f4.tobytes()[:8], bytes(8)))


def make_vectors():
    rows = [[0.5, -1, 2e-3], [1, 2, 3]]
    fvecs = b"".join(struct.pack("<i3f", 3, *row) for row in rows)
    save("fvecs", "good", fvecs)
    save("fvecs", "cut", fvecs[:-1])
    save("fvecs", "length", fvecs[:16] + struct.pack("<i3f", 2, *rows[0]))
    save("fvecs", "negative", struct.pack("<i3f", -3, *rows[0]))
    people = [{"identity": i, "image_name": f"{i}.jpg", "embedding": row} for i, row in enumerate(rows)]
    lines = "\n".join(map(json.dumps, people))
    save("json_vectors", "lines", lines.encode())
    save("json_vectors", "array", json.dumps([{"path": "a/1.jpg", "label": "a", "vector": row} for row in rows], indent=1).encode())
    save("json_vectors", "words", b'{"embedding": [NaN, -Infinity, null], "name": "NaN \\" {"}\n{"embedding": [Infinity, 1, 2]}')
    save("json_vectors", "cut", lines.encode()[:-3])
    save("json_vectors", "ragged", b'{"embedding": [1, 2]}\n{"embedding": [1]}')
    save("json_vectors", "commas", b'[{"embedding": [1]}, {"embedding": [2]},, ]')
    save("row_labels", "order", b"path,identity\n" + b"a/1.jpg,a\n" * 5)
    save("row_labels", "rows", b"row,label,file\n4,b,x\n0,,y\n")
    save("row_labels", "twice", b"row,identity\n1,a\n1,b\n")
    save("row_labels", "few", b"identity\na\n")


def hdf5(userblock_size=0, **datasets):
    """Without the time of the day, which also means the older layout of the file."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver="earliest", userblock_size=userblock_size) as f:
        for name, how in datasets.items():
            f.create_dataset(name.replace("__", "/"), track_times=False, **how)
    return stream.getvalue()


def make_hdf5s():
    values = np.linspace(-2, 2, 12).reshape(3, 4).astype("<f4")
    save("hdf5", "plain", hdf5(x={"data": values}))
    save("hdf5", "packed", hdf5(x={"data": values.astype(">f8"), "chunks": (2, 3), "compression": "gzip", "shuffle": True,
                                   "fletcher32": True}))
    save("hdf5", "labels", hdf5(x={"data": values.astype("<f2")}, identity={"data": np.arange(3)},
                                path={"data": np.array([b"a", b"b", b""])}))
    save("hdf5", "block", hdf5(512, g__x={"data": values}))
    save("hdf5", "unwritten", hdf5(x={"shape": (1 << 20, 512), "dtype": "f4", "chunks": (1024, 512)}))
    save("hdf5", "lzf", hdf5(x={"data": values, "compression": "lzf"}))
    save("hdf5", "cut", hdf5(x={"data": values})[:-20])


def make_best_matches():
    rows = [["a/1.png", "x/9.jpg", 0.5], ["b/2.png", "y/8.jpg", -0.25]]
    objects = [{"query_identity": "a", "query_image_name": p, "casia_path": r, "similarity_score": s, "rank": 1} for p, r, s in rows]
    save("best_matches", "plain", b"a/1.png,x/9.jpg,0.5,T\nb/2.png,y/8.jpg,-1e-3,holdout\n")
    save("best_matches", "header", b'sample_index,sample_identity,sample_image_name,best_match_image_name,similarity\n1,2,"3,4.jpg",5,0.5\n')
    save("best_matches", "arrays", json.dumps(rows).encode())
    save("best_matches", "objects", json.dumps({"metadata": {"n": 2}, "results": objects}).encode())
    save("best_matches", "lines", "\n".join(map(json.dumps, objects)).encode())
    save("best_matches", "nested", b'[{"query": "a", "top": [{"path": "b", "score": 0.5}, {"path": "c", "score": 0}]}]')
    save("best_matches", "distance", b"probe,gallery,distance\na,b,0.5\n")
    save("best_matches", "deep", b"[" * 3000)


# ---- archives ------------------------------------------------------------------------------------------

MEMBERS = [("a/1.png", b"one"), ("a/1.cls", b" 7\n"), ("../b/2.JPG", b"two" * 30), ("b/2.json", b'{"a": "x"}'), ("a/1.png", b"again")]


def tar(members, fmt=tarfile.USTAR_FORMAT):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=fmt) as t:
        for name, data, *kind in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if kind:
                info.type, info.linkname, info.size = kind[0], "a/1.png", 0
            t.addfile(info, io.BytesIO(data))
        return stream.getvalue() + bytes(1024)


def zipped(members, method):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w") as z:
        warnings.simplefilter("ignore")  # a name that comes again
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def make_archives():
    small = tar(MEMBERS[:2])
    save("archive", "tar", small)
    save("archive", "tar-pax", tar([("\u00e9/" + "n" * 120 + ".png", b"x")], tarfile.PAX_FORMAT))
    save("archive", "tar-gnu", tar([("n/" + "n" * 120 + ".png", b"x")], tarfile.GNU_FORMAT))
    save("archive", "tar-kinds", tar([("l.png", b"", tarfile.SYMTYPE), ("h.png", b"", tarfile.LNKTYPE), ("f.png", b"", tarfile.FIFOTYPE)]))
    for name, pack in (("gz", lambda d: gzip.compress(d, mtime=0)), ("bz2", bz2.compress), ("xz", lzma.compress)):
        save("archive", name, pack(tar(MEMBERS)))
    save("archive", "gz-cut", gzip.compress(tar(MEMBERS), mtime=0)[:-30])
    save("archive", "gz-bomb", gzip.compress(tar([("a.png", bytes(2000000))]), mtime=0))
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED), ("bzip2", zipfile.ZIP_BZIP2)):
        save("archive", "zip-" + name, zipped(MEMBERS, method))
    whole = bytearray(zipped(MEMBERS, zipfile.ZIP_STORED))
    save("archive", "zip-cut", whole[:-10])
    whole[whole.index(b"one")] ^= 4
    save("archive", "zip-crc", whole)
    locked = bytearray(zipped(MEMBERS[:1], zipfile.ZIP_STORED))
    locked[6] |= 1  # encrypted, here and in the central directory
    locked[locked.index(b"PK\1\2") + 8] |= 1
    save("archive", "zip-locked", locked)


def make_labels():
    save("labels", "identities", b"path,identity\n./a/1.png,Ann\nb/2.png,\n")
    save("labels", "groups", b'age,path,identity,"a,b"\n30,a/1.png,Ann,"x\ny"\n,/b,Bob,\n')
    save("labels", "twice", b"path,identity\na,A\n./a,B\n")
    save("labels", "alone", b"path\na\n")


def make_ijb():
    save("ijb", "images", b"1.jpg 1 69544\r\nframes/a b.png\t2  7\n\n3.jpg 2 7")
    save("ijb", "pairs", b"1 2 0\n1 1 1\r\n\n2\t1\t0\n" * 8)
    save("ijb", "large", b"x 4294967295 4294967296\n")
    save("ijb", "label", b"1 2 2\n")


def make_studies():
    with open(os.path.join(HERE, "..", "..", "..", "docs", "study.ini.example"), "rb") as f:
        save("study", "example", f.read())
    small = (b"[study]\noutput=o\n[matcher m]\nmodel=m\n[train t]\nimages=t\nholdout=h\n[holdout h]\nimages=h\n"
             b"[synthetic s]\nimages=a\n b\n")
    save("study", "small", small)
    save("study", "crlf", b"\xef\xbb\xbf" + small.replace(b"\n", b"\r\n"))
    save("study", "filters", small + b"[measure]\nfilter=sharpness>=0.1\n  group:a b!=c\nstrata=age\n  group:a b\n")
    save("study", "again", small + b"[train t]\nimages=u\n")
    save("study", "long", b"[study]\noutput=" + b"o" * 300 + b"\n")
    save("study", "heading", b"[" + b"x" * 60 + b"]\na=b\n")
    save("study", "behind", b"[study] x=y\noutput=o\n")
    save("study", "faces", small + b"[synthetic v]\nfaces.m=v.npy:a\n[limits]\nshare=5\ndiscoveries=1\n")
    save("study", "numbers", small + b"[measure]\nfdr=nan\nstrength=1e400 0.5\n")


def make_reviews():
    """Changes of a review's file, see fuzz_review.c."""
    def changes(*each):
        return b"".join(struct.pack("<HB", at, value) for at, value in each)
    save("review", "whole", b"")
    save("review", "header", changes((0, 0x53), (18, 2), (19, 2)))  # the name; a write-ahead log
    save("review", "format", changes((63, 2)))
    save("review", "foreign", changes((71, 0)))
    save("review", "short", changes((65000, 0)))
    save("review", "pages", changes(*((512 * page + 1, 0xff) for page in range(1, 12))))
    for page in (3, 7, 13, 17, 21):
        save("review", f"page-{page}", changes(*((512 * page + at, at * 37 % 256) for at in range(0, 512, 19))))
    save("review", "schema", changes(*((at, 0x20) for at in range(1000, 1024))))


def make_pairs():
    save("pairs", "tabs", b"2\t1\nA_B\t1\t2\nA_B\t1\tC\t2\nD\t1\t2\nD\t1\tE\t2\n")
    save("pairs", "blanks", b"1\r\nA 1 2\r\nA 1 B 2\r\n\r\n")
    save("pairs", "fields", b"1\t1\nA\t1\t2\t3\t4\nA\t1\tB\t2\n")
    save("pairs", "more", b"1\t1\nA\t1\t2\nA\t1\tB\t2\nA\t1\t2\n")
    save("pairs", "number", b"1\t1\nA\t1\t4294967296\nA\t1\tB\t2\n")
    save("pairs", "promises", b"1000\t10000\nA\t1\t2\n")


def make_review_requests():
    token, screen = "0123456789abcdef" * 2, "fedcba9876543210" * 2
    head = "{}\n{}\n127.0.0.1:20080\nhttp://127.0.0.1:20080\nBearer " + token + "\napplication/json\n{}"
    answer = {"screen": screen, "answer": "cannot_say", "note": "a caf\u00e9", "milliseconds": 4200}
    requests = {
        "page": "GET\n/\nlocalhost\n\n\n\n",
        "screen": head.format("GET", "/api/screen", ""),
        "picture": head.format("GET", f"/api/picture/{screen}/right/original", ""),
        "case": head.format("GET", "/api/case/17/reference/crop", ""),
        "other": head.format("GET", "/api/case/17/image/other/3", ""),
        "answer": head.format("POST", "/api/answer", json.dumps(answer)),
        "undo": head.format("POST", "/api/undo", json.dumps({"screen": screen})),
        "close": head.format("POST", "/api/close", "{}"),
        "decide": head.format("POST", "/api/decide", '{"item": 17, "decision": "same", "note": "a scar"}'),
        "member": head.format("POST", "/api/answer", '{"kind": 1}'),
        "method": head.format("PUT", "/api/undo", ""),
        "upwards": head.format("GET", "/api/picture/../../etc/passwd", ""),
        "host": "GET\n/api/screen\n127.0.0.1.attacker.example\n\n\n\n",
        "origin": "POST\n/api/answer\n127.0.0.1\nhttp://attacker.example\n\n\n",
    }
    for name, text in requests.items():
        save("review_request", name, text.encode())


def make_manifests():
    hash_, lists = "0" * 64, {k: [] for k in ("models", "sets", "uses", "inputs", "reports", "outputs", "purged")}
    whole = {"kind": "manifest", "format": 1, **lists}
    faces = {"path": "train/embeddings.npy", "bytes": 144, "sha256": hash_, "holds": "faces"}
    train = {"path": "train", "kind": "faces", "model": {"name": "none", "sha256": hash_}, "alignment": "aligned",
             "pictures": {"images": 2, "missing": 0, "sizes_sha256": hash_, "times_sha256": hash_,
                          "sample": {"pictures": [{"image": 0, "sha256": hash_}, {"image": 9}, 3]}}}
    uses = [{"file": "match/meta.json", "role": role, "set": "train", "embeddings_sha256": hash_}
            for role in ("probes", "references")]
    models = [{"name": "none", "task": "recognise", "sha256": hash_, "descriptor": "/none.json"}]
    for name, change in (
            ("empty", {}), ("format", {"format": 2}), ("lists", {"outputs": {}}), ("types", {"outputs": [1, "x", {"path": 3}]}),
            ("whole", {"outputs": [faces], "sets": [train], "uses": uses, "models": models, "reports": [
                {"page": "report.html", "measures": "match", "match": "match", "max_pairs": 7}, {"page": 1}, 2]}),
            ("out", {"outputs": [{**faces, "path": p} for p in ("../outside/embeddings.npy", "link/embeddings.npy", "/etc/hostname")],
                     "sets": [{"path": "../outside/embeddings.npy", "kind": "vectors"}]}),
            ("purged", {"purged": [{"path": "train/embeddings.npy", "at": None}, {"path": "report.html", "replaced": True}],
                        "sets": [train], "uses": uses})):
        save("manifest", name, json.dumps({**whole, **change}).encode())


make_archives()
make_review_requests()
make_manifests()
make_labels()
make_ijb()
make_studies()
make_pairs()
make_reviews()
make_codes_caches()
make_jpegs()
make_pngs()
make_webps()
make_tables()
make_arrays()
make_npzs()
make_vectors()
make_hdf5s()
make_best_matches()
