"""Makes the files beside it with NumPy, Pillow and gzip: python3 generate.py

Each picture comes with what it must be read as, [height, width, channels] from 0 to 1, as .npy.
PNG files of every kind are packed here by hand, as Pillow does not write them all; Pillow reads
them, which checks both.
"""

import gzip
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(5)
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def write(name, data):
    with open(os.path.join(here, name), "wb") as file:
        file.write(data)


def expect(name, values):
    np.save(os.path.join(here, name + ".npy"), np.ascontiguousarray(values, np.float32))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = (row.reshape(-1, 1) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def filtered(rows, step, first):
    packed, above = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        kind = (first + number) % 5
        packed += bytes([kind])
        for i, value in enumerate(row):
            left = row[i - step] if i >= step else 0
            corner = above[i - step] if i >= step else 0
            near = left + above[i] - corner
            paeth = min([left, above[i], corner], key=lambda sample: abs(near - sample))
            guess = [0, left, above[i], (left + above[i]) // 2, paeth][kind]
            packed += bytes([(value - guess) % 256])
        above = row
    return packed


def png(samples, kind, depth, interlaced, extra=b"", pieces=1):
    """The bytes of a PNG file of samples [height, width, samples per pixel]."""
    height, width, count = samples.shape
    step = max(1, count * depth // 8)
    data = b""
    for number, (x, y, dx, dy) in enumerate(ADAM7 if interlaced else [(0, 0, 1, 1)]):
        part = samples[y::dy, x::dx]
        if part.size:
            data += filtered([pack_row(row.reshape(-1), depth) for row in part], step, number)
    packed = zlib.compress(data, 9)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    cut = -(-len(packed) // pieces)
    body = b"".join(chunk(b"IDAT", packed[i:i + cut]) for i in range(0, len(packed), cut))
    text = chunk(b"tEXt", b"Comment\0made by generate.py")
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + text + body
            + chunk(b"IEND", b""))


def on_white(colour, alpha):
    return 1 - alpha * (1 - colour)


def check(name, data, values):
    """Compares with Pillow, which keeps 8 bits of each sample."""
    picture = Image.open(io.BytesIO(data))
    if picture.mode.startswith("I"):
        found = np.asarray(picture, np.float64)[..., None] / 65535
        if "transparency" in picture.info:
            found[np.asarray(picture) == picture.info["transparency"]] = 1
    else:
        rgba = np.asarray(picture.convert("RGBA"), np.float64) / 255
        found = on_white(rgba[..., :3], rgba[..., 3:])
    error = np.abs(found - values).max()
    assert error < 0.01, (name, error)
    write(name + ".png", data)


def every_png():
    for kind in SAMPLES:
        for depth in [1, 2, 4, 8, 16]:
            if depth < 8 and kind not in (0, 3) or depth == 16 and kind == 3:
                continue
            top = 2**depth - 1
            samples = random.integers(0, top, (9, 11, SAMPLES[kind]), endpoint=True)
            samples[2:6, 3:9] = samples[2, 3]
            extra = b""
            if kind == 3:
                palette = random.integers(0, 255, (top + 1, 3), endpoint=True)
                extra = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
                values = palette[samples[..., 0]] / 255
            elif kind in (0, 2):
                values = samples / top
            else:
                values = on_white(samples[..., :-1] / top, samples[..., -1:] / top)
            name = f"type{kind}-{depth}"
            expect(name, values)
            check(name, png(samples, kind, depth, False, extra, pieces=3), values)
            check(name + "-adam7", png(samples, kind, depth, True, extra), values)


def transparent_png():
    for kind, depth in [(0, 8), (0, 16), (2, 8), (2, 16), (3, 4)]:
        top = 2**depth - 1
        samples = random.integers(0, top, (4, 5, SAMPLES[kind]), endpoint=True)
        samples[1, 1:4] = samples[0, 0]
        if kind == 3:
            palette = random.integers(0, 255, (16, 3), endpoint=True)
            alphas = random.integers(0, 255, 9, endpoint=True)
            extra = chunk(b"PLTE", palette.astype(np.uint8).tobytes())
            extra += chunk(b"tRNS", alphas.astype(np.uint8).tobytes())
            alpha = np.concatenate([alphas, np.full(7, 255)]) / 255
            values = on_white(palette / 255, alpha[:, None])[samples[..., 0]]
        else:
            extra = chunk(b"tRNS", samples[0, 0].astype(">u2").tobytes())
            values = samples / top
            values[(samples == samples[0, 0]).all(axis=-1)] = 1
        name = f"transparent{kind}-{depth}"
        expect(name, values)
        data = png(samples, kind, depth, False, extra)
        # Pillow has no 16 bit colours, and so no transparent one of them.
        write(name + ".png", data) if (kind, depth) == (2, 16) else check(name, data, values)


def small_png():
    """Sizes at which passes of Adam7 are empty."""
    for width, height in [(1, 1), (2, 1), (1, 5), (5, 2), (3, 3), (8, 9)]:
        samples = random.integers(0, 255, (height, width, 1), endpoint=True)
        name = f"small-{width}x{height}"
        expect(name, samples / 255)
        check(name, png(samples, 0, 8, True), samples / 255)


def pillow():
    """Files that Pillow wrote, and what it makes of them."""
    y, x = np.mgrid[0:24, 0:30]
    colours = np.stack([x * 8, y * 10, (x * y) % 256], -1).astype(np.uint8)
    picture = Image.fromarray(colours)
    picture.save(os.path.join(here, "pillow.png"))
    picture.save(os.path.join(here, "pillow.ppm"))
    expect("pillow", colours / 255)
    gray = picture.convert("L")
    gray.save(os.path.join(here, "pillow-gray.pgm"))
    expect("pillow-gray", np.asarray(gray)[..., None] / 255)
    bits = gray.convert("1")
    bits.save(os.path.join(here, "pillow-bits.pbm"))
    bits.save(os.path.join(here, "pillow-bits.png"))
    expect("pillow-bits", np.asarray(bits)[..., None])
    # Floating point pictures are not rounded when they are resized.
    light = Image.fromarray(np.asarray(gray, np.float32) / 255)
    for name, size, way in [("box", (10, 8), Image.Resampling.BOX),
                            ("linear", (45, 31), Image.Resampling.BILINEAR)]:
        expect(f"pillow-{name}", np.asarray(light.resize(size, way))[..., None])
    for turns in [1, 2, 3]:
        expect(f"pillow-turned{turns}", np.rot90(colours, turns) / 255)
    expect("pillow-inverted", np.asarray(ImageOps.invert(picture)) / 255)
    # The mean over fractions of pixels, by repeating each pixel as often as there are new ones.
    parts = np.asarray(light).repeat(7, 0).repeat(11, 1)
    expect("pillow-area", parts.reshape(7, 24, 11, 30).mean((1, 3))[..., None])


def netpbm():
    write("plain.pbm", b"P1\n# a comment\n4 3\n0110 1 0 0 1\n1111\n")
    expect("plain-bits", 1 - np.array([[0, 1, 1, 0], [1, 0, 0, 1], [1, 1, 1, 1]])[..., None])
    samples = random.integers(0, 1000, (3, 4, 3), endpoint=True)
    expect("plain-colour", samples / 1000)
    expect("plain-gray", samples[..., :1] / 1000)
    text = " ".join(map(str, samples.reshape(-1))).encode()
    write("plain.ppm", b"P3 4 3 #x\n1000\n" + text)
    write("plain.pgm", b"P2 4 3 1000 " + " ".join(map(str, samples[..., 0].flat)).encode())
    write("packed16.ppm", b"P6 4 3 1000\n" + samples.astype(">u2").tobytes())
    write("packed16.pgm", b"P5\n4\n3\n1000\n" + samples[..., 0].astype(">u2").tobytes())


def idx():
    grid = np.arange(24).reshape(2, 3, 4)
    for code, kind, name in [(8, "u1", "u8"), (9, "i1", "i8"), (11, ">i2", "i16"),
                             (12, ">i4", "i32"), (13, ">f4", "f32"), (14, ">f8", "f64")]:
        values = grid * 10 if code == 8 else (grid - 12) * (100 if code > 9 else 10)
        values = values / 8 if code > 12 else values
        expect(f"idx-{name}", values)
        data = bytes([0, 0, code, 3]) + struct.pack(">3I", *grid.shape)
        data += values.astype(kind).tobytes()
        write(f"idx-{name}.idx", data)
        if code == 8:
            write("idx-u8.idx.gz", gzip.compress(data, mtime=0))


every_png()
transparent_png()
small_png()
pillow()
netpbm()
idx()
