"""Makes the files beside it with NumPy, gzip and zlib: python3 generate.py"""

import gzip
import io
import os
import random
import zlib

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))


def write(name, data):
    with open(os.path.join(here, name), "wb") as file:
        file.write(data)


def npy(name, array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version)
    write(name + ".npy", buffer.getvalue())


grid = np.arange(12).reshape(3, 4)
for name in ["float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16"]:
    npy(name, (grid - (0 if name[0] == "u" else 5)).astype(name))
npy("bool", grid % 3 == 0)
npy("version2", (grid / 4).astype("<f4"), (2, 0))
npy("version3", (grid / 4).astype("<f4"), (3, 0))
npy("vector", np.array([3, -1, 2], "<i8"))
npy("scalar", np.float64(2.5))
npy("empty", np.zeros((0, 4), "<f4"))
npy("fortran", np.asfortranarray(grid.astype("<f4")))
npy("big-endian", grid.astype(">f4"))
npy("float16", grid.astype("<f2"))
npy("text", np.array(["a", "b"]))
npy("fortran-cube", np.asfortranarray(np.arange(24, dtype="<i8").reshape(2, 3, 4)))
npy("big-endian-text", np.array(["é\U0001F600", "", "ab"]).astype(">U3"))
npy("bytes", np.array([b"x", b"yz", b""]))
npy("uint64", np.array([0, 2**63, 2**64 - 1], "<u8"))
npy("uint32", np.array([0, 2**32 - 1], "<u4"))
npy("big-endian-int16", np.array([-2, 258], ">i2"))
npy("special-halves", np.array([0, -0.0, 65504, 2**-24], "<f2"))
npy("object", np.array([1, "a"], dtype=object))
npy("complex", np.array([1j], "<c8"))
npy("dates", np.array(["2020-01-01"], "<M8[D]"))
npy("structured", np.array([(1, 2.0)], [("a", "<i4"), ("b", "<f4")]))
npy("not-finite", np.array([[1, 2], [3, np.nan]], "<f4"))
npy("too-large", np.array([[1, 2], [1e300, 3]], "<f8"))

# Runs, far copies, and bytes that halve in frequency, so that their words grow long.
random.seed(7)
salad = bytearray()
while len(salad) < 60000:
    kind = random.randrange(8)
    if kind == 0:
        salad += bytes([random.randrange(256)]) * random.randrange(1, 700)
    elif kind < 3 and len(salad) > 40000:
        start = random.randrange(4000)
        salad += salad[start : start + random.randrange(3, 300)]
    else:
        salad += bytes(17 - random.randrange(1, 1 << 17).bit_length() for _ in range(50))
salad = bytes(salad[:60000])


def deflate(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY, bits=-15):
    packer = zlib.compressobj(level, zlib.DEFLATED, bits, 9, strategy)
    return packer.compress(data) + packer.flush()


write("salad.deflate", deflate(salad))
write("salad-fixed.deflate", deflate(salad, strategy=zlib.Z_FIXED))
write("salad-huffman.deflate", deflate(salad, strategy=zlib.Z_HUFFMAN_ONLY))
write("salad.zlib", deflate(salad, 1, bits=15))
write("stored.zlib", deflate(bytes(range(256)), 0, bits=15))
write("runs.zlib", deflate(bytes(1000000), bits=15))


def member(data, flags=0, fields=b""):
    packed = deflate(data)
    tail = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + fields + packed + tail


text = b"Kindred embeds what is alike side by side. "
write("plain.gz", gzip.compress(text * 3, mtime=0))
fields = b"\x03\x00abc" + b"name\x00" + b"comment\x00" + b"\x00\x00"
write("members.gz", member(text) + member(text, 31, fields) + member(b"") + bytes(16))
assert gzip.decompress(member(text) + member(text, 31, fields)) == text * 2
print("salad: CRC-32", hex(zlib.crc32(salad)), "Adler-32", hex(zlib.adler32(salad)))


def npz(name, compressed, **arrays):
    (np.savez_compressed if compressed else np.savez)(os.path.join(here, name + ".npz"), **arrays)


square = (np.arange(6000).reshape(60, 100) % 7).astype("<f4")
npz("stored", False, first=square, second=np.arange(3))
npz("packed", True, first=square, second=np.arange(3))
