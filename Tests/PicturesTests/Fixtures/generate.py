"""Makes pictures/, manifest.json and resize.npz beside it: python3 generate.py

Needs Pillow 13, NumPy, cjpeg of libjpeg-turbo-progs and tiffcp of libtiff-tools. The manifest holds what Pillow reads:
format, mode, size, orientation and SHA-256 hashes of the pixels (native_sha256 in the picture's own
mode, rgb_sha256 after convert("RGB"), upright_rgb_sha256 turned by EXIF), or "error" where it
refuses.
"""

import hashlib
import io
import json
import os
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "pictures")
os.makedirs(folder, exist_ok=True)
random = np.random.default_rng(18)
manifest = {}


def picture(width, height):
    """Waves, hard edges and a little noise."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    f = random.uniform(3, 14, 6)
    waves = [np.sin(x / f[0] + y / f[1]), np.cos(x / f[2] - y / f[3]), np.sin((x + y) / f[4])]
    a = 128 + 110 * np.stack(waves, -1)
    a[(x - width / 3) ** 2 + (y - height / 2) ** 2 < width] = random.choice([0, 255], 3)
    return Image.fromarray(np.clip(a + random.normal(0, 6, a.shape), 0, 255).astype(np.uint8))


def put(name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    sha = lambda b: hashlib.sha256(b).hexdigest()
    try:
        image = Image.open(path)
        entry = dict(format=image.format, mode=image.mode, width=image.width, height=image.height)
        image.load()
        orientation = image.getexif().get(0x0112, 1)
        entry["orientation"] = orientation if 1 <= orientation <= 8 else 1
        entry["native_sha256"] = sha(image.tobytes())
        entry["rgb_sha256"] = sha(image.convert("RGB").tobytes())
        if entry["orientation"] != 1:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            entry["upright_rgb_sha256"] = sha(upright.tobytes())
    except Exception as problem:
        entry = dict(error=type(problem).__name__)
    manifest[name] = entry


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def cjpeg(image, *options):
    source = saved(image, "PPM")
    return subprocess.run(["cjpeg", *options], input=source, capture_output=True, check=True).stdout


def jpegs():
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        for progressive in (False, True):
            kind = "progressive" if progressive else "baseline"
            put(
                f"{name}-{kind}.jpg",
                saved(picture(37, 23), "JPEG", quality=80, subsampling=sampling, progressive=progressive))
    for sampling in ("4x1,1x1,1x1", "1x2,1x1,1x1", "2x2,2x1,1x2", "1x1,2x2,2x2"):
        put(f"sampling-{sampling}.jpg", cjpeg(picture(21, 19), "-sample", sampling))
    put("narrow.jpg", saved(picture(3, 9), "JPEG", quality=90))
    put("gray.jpg", saved(picture(19, 11).convert("L"), "JPEG"))
    put("restarts.jpg", cjpeg(picture(50, 30), "-restart", "2B"))
    put("wide-tables.jpg", cjpeg(picture(24, 24), "-quality", "1"))
    inks = Image.merge("CMYK", [*picture(20, 17).split(), picture(20, 17).convert("L")])
    data = saved(inks, "JPEG", quality=90)
    put("cmyk.jpg", data)
    place = data.index(b"Adobe") + 11
    put("ycck.jpg", data[:place] + b"\x02" + data[place + 1:])
    put("rgb.jpg", cjpeg(picture(20, 17), "-rgb"))
    exif = Image.Exif()
    exif[0x0112] = 7
    data = saved(picture(24, 16), "JPEG", exif=exif)
    put("orientation-7.jpg", data)
    put("no-end.jpg", data[:-2])
    put("cut.jpg", data[: len(data) * 2 // 3])
    put("lossless.jpg", data.replace(b"\xff\xc0", b"\xff\xc3"))
    data = cjpeg(picture(64, 40), "-restart", "1B")
    marks = [k for k in range(len(data) - 1) if data[k] == 0xFF and 0xD0 <= data[k + 1] <= 0xD7]
    put("lost-restart.jpg", data[: marks[5]] + data[marks[6]:])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pngs():
    gray = picture(13, 9).convert("L")
    put("gray-1.png", saved(gray.convert("1"), "PNG"))
    words = Image.fromarray(random.integers(0, 65536, (9, 13)).astype(np.uint16))
    put("gray-16.png", saved(words, "PNG"))
    put("gray-alpha.png", saved(Image.merge("LA", [gray, gray]), "PNG"))
    put("rgba.png", saved(Image.merge("RGBA", [*picture(13, 9).split(), gray]), "PNG"))
    put("palette-4.png", saved(picture(13, 9).quantize(11), "PNG", transparency=b"\0\x80\xff"))
    data = saved(picture(13, 9), "PNG")
    put("rgb.png", data)
    put("bomb.png", data[:16] + struct.pack(">II", 100000, 100000) + data[24:29]
        + struct.pack(">I", zlib.crc32(b"IHDR" + struct.pack(">II", 100000, 100000) + data[24:29])) + data[33:])
    put("cut.png", data[: len(data) // 2])


def pnms():
    put("bits.pbm", saved(picture(13, 9).convert("1"), "PPM"))
    put("thousand.pgm", b"P5\n# a comment\n5 4\n1000\n" + random.integers(0, 1001, 20).astype(">u2").tobytes())
    put("words.ppm", b"P6 3 2 65535\n" + random.integers(0, 65536, 18).astype(">u2").tobytes())
    put("plain.ppm", b"P3 2 2 200\n1 2 3  4 5 6\n150 51 152 # c\n7 8 9\n")


def gifs():
    image = picture(19, 13)
    put("interlaced.gif", saved(image.quantize(30), "GIF", interlace=1))
    put("transparent.gif", saved(image.quantize(5), "GIF", interlace=0, transparency=2))
    more = [picture(19, 13).quantize(9)]
    put("animated.gif", saved(image.quantize(9), "GIF", save_all=True, append_images=more))
    put("gray.gif", saved(image.convert("L"), "GIF"))
    data = bytearray(saved(image.quantize(200), "GIF", interlace=0))
    place = data.index(b",", 13 + 768)
    struct.pack_into("<HH", data, place + 1, 3, 5)
    put("offset.gif", bytes(data))
    put("cut.gif", bytes(data[: len(data) * 2 // 3]))


def bmp(bits, packing, rows, masks=b"", palette=b"", colours=0, height=9):
    header = struct.pack("<IiiHHIIiiII", 40, 13, height, 1, bits, packing, 0, 0, 0, colours, 0) + masks
    offset = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, offset) + header + palette + rows


def bmps():
    image = picture(13, 9)
    put("bits.bmp", saved(image.convert("1"), "BMP"))
    put("palette.bmp", saved(image.quantize(40), "BMP"))
    put("rgb.bmp", saved(image, "BMP"))
    padded = lambda row: row + b"\0" * (-len(row) % 4)
    a = np.asarray(image)
    put("top-down.bmp", bmp(24, 0, b"".join(padded(row[:, ::-1].tobytes()) for row in a), height=-9))
    words = sum((a[..., k].astype(int) >> s) << t for k, (s, t) in enumerate(((3, 11), (2, 5), (3, 0))))
    rows = b"".join(padded(row.tobytes()) for row in words.astype("<u2")[::-1])
    put("masks.bmp", bmp(16, 3, rows, struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
    palette = random.integers(0, 256, (16, 4), dtype=np.uint8)
    palette[:, 3] = 0
    runs = b"".join(bytes([5, 0x12, 0, 5, 0x34, 0x56, 0x70, 0, 3, row << 4 & 255]) + b"\0\0" for row in range(9))
    put("runs-4.bmp", bmp(4, 2, runs + b"\0\1", b"", palette.tobytes(), 16))
    runs = b"".join(bytes([7, 3, 0, 4, 1, 2, 3, 4, 2, row]) + b"\0\0" for row in range(9))
    put("runs-8.bmp", bmp(8, 1, runs + b"\0\1", b"", palette.tobytes(), 16))


def tiffs():
    image = picture(21, 17)
    for packing in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        put(f"{packing}.tif", saved(image, "TIFF", compression=None if packing == "raw" else packing))
    put("differences.tif", saved(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    put("turned.tif", saved(image.convert("L"), "TIFF", compression="tiff_lzw", tiffinfo={274: 6}))
    # Pillow 13 takes a turned picture's sides for its stored ones where nothing is packed.
    put("turned-plain.tif", saved(image.convert("L"), "TIFF", tiffinfo={274: 6}))
    manifest["turned-plain.tif"] = manifest["turned.tif"]
    put("palette.tif", saved(image.quantize(30), "TIFF"))
    path = os.path.join(here, "scratch.tif")
    words = Image.fromarray(random.integers(0, 65536, (17, 21)).astype(np.uint16))
    for name, source, options in (
        ("swapped-words.tif", words, ["-B"]),
        ("tiles.tif", image, ["-B", "-t", "-w", "16", "-l", "16", "-c", "lzw:2"]),
        ("planes.tif", image, ["-p", "separate", "-c", "zip:2"]),
        ("jpeg-tiles.tif", image, ["-c", "jpeg", "-t", "-w", "16", "-l", "16"]),
        ("bits.tif", image.convert("1"), ["-f", "lsb2msb", "-c", "packbits"]),
    ):
        source.save(path)
        subprocess.run(["tiffcp", *options, path, path + "f"], check=True, capture_output=True)
        with open(path + "f", "rb") as file:
            put(name, file.read())
    os.remove(path)
    os.remove(path + "f")


def webps():
    image = picture(37, 29)
    alpha = Image.merge("RGBA", [*image.split(), picture(37, 29).convert("L")])
    for quality in (0, 50, 100):
        put(f"lossy-{quality}.webp", saved(image, "WEBP", quality=quality))
    put("lossy-alpha.webp", saved(alpha, "WEBP", quality=70, alpha_quality=60))
    put("lossless.webp", saved(image, "WEBP", lossless=True))
    put("lossless-alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True))
    put("lossless-3-colours.webp", saved(image.quantize(3).convert("RGB"), "WEBP", lossless=True))
    put("narrow.webp", saved(picture(1, 5), "WEBP", quality=60))
    data = saved(image, "WEBP", save_all=True, append_images=[picture(37, 29)])
    put("animated.webp", data)
    put("cut.webp", data[: len(data) // 3])


def resized():
    arrays = {}
    for name, (width, height) in dict(A=(37, 29), B=(24, 40)).items():
        image = picture(width, height)
        arrays["picture_" + name] = np.asarray(image)
        for kind in ("NEAREST", "BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS"):
            how = getattr(Image.Resampling, kind)
            for size in ((11, 13), (50, 41), (37, 9), (1, 1)):
                key = f"pil.{name}.{size[0]}x{size[1]}.{kind.lower()}"
                arrays[key] = np.asarray(image.resize(size, how))
            arrays[f"pil.{name}.16x16.{kind.lower()}.box"] = np.asarray(
                image.resize((16, 16), how, box=(1.5, 2.25, 20.75, 17.5)))
        short = min(width, height)
        small = image.resize((int(32 * width / short), int(32 * height / short)), Image.Resampling.BILINEAR)
        left, top = (int(round((n - 28) / 2)) for n in small.size)
        cut = np.asarray(small.crop((left, top, left + 28, top + 28)), np.float32) / np.float32(255)
        mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
        arrays["eval." + name] = (cut - mean) / deviation
    np.savez_compressed(os.path.join(here, "resize.npz"), **arrays)


if __name__ == "__main__":
    jpegs()
    pngs()
    pnms()
    gifs()
    bmps()
    tiffs()
    webps()
    resized()
    with open(os.path.join(here, "manifest.json"), "w") as file:
        json.dump({"files": manifest}, file, indent=0, sort_keys=True)
    print(len(manifest), "pictures,", sum("error" in e for e in manifest.values()), "refused")
