"""Small pictures of every kind as text, for PictureSeeds.swift: python3 generate.py > PictureSeeds.swift

Needs Pillow (written with 11 and 12). The pictures are a few pixels wide, so that many inputs a second are read."""
import base64
import io

from PIL import Image

rgb = Image.new("RGB", (19, 11))
rgb.putdata([((x * 13 + y) % 256, (y * 23) % 256, (x * y * 3) % 256) for y in range(11) for x in range(19)])
grey, palette = rgb.convert("L"), rgb.quantize(7)
clear = rgb.convert("RGBA")
clear.putalpha(grey)
deep = Image.new("I;16", (5, 4))
deep.putdata([x * 3000 for x in range(20)])


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, **options)
    return file.getvalue()


exif = Image.Exif()
exif[274] = 6
kinds = {
    "jpeg": [
        saved(rgb, format="JPEG", quality=60, exif=exif), saved(rgb, format="JPEG", quality=90, subsampling=0),
        saved(grey, format="JPEG"), saved(rgb.convert("CMYK"), format="JPEG"),
        saved(rgb, format="JPEG", optimize=True, restart_marker_blocks=1),
    ],
    "jpeg-progressive": [
        saved(rgb, format="JPEG", progressive=True), saved(grey, format="JPEG", progressive=True),
        saved(rgb, format="JPEG", progressive=True, subsampling=1, restart_marker_rows=1),
    ],
    "gif": [saved(palette, format="GIF"), saved(palette, format="GIF", transparency=2, interlace=0)],
    "bmp": [saved(rgb, format="BMP"), saved(palette, format="BMP"), saved(rgb.convert("1"), format="BMP"),
            saved(clear, format="BMP")],
    "tiff": [saved(rgb, format="TIFF", compression=c) for c in
             ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")]
            + [saved(deep, format="TIFF"), saved(palette, format="TIFF"), saved(rgb.convert("1"), format="TIFF")],
    "webp-lossless": [saved(rgb, format="WEBP", lossless=True), saved(clear, format="WEBP", lossless=True),
                      saved(palette.convert("RGB"), format="WEBP", lossless=True)],
    "webp-lossy": [saved(rgb, format="WEBP", quality=50), saved(clear, format="WEBP", quality=80)],
    "png-kinds": [saved(palette, format="PNG"), saved(deep, format="PNG"), saved(clear, format="PNG"),
                  saved(rgb.convert("1"), format="PNG"), saved(grey.convert("LA"), format="PNG")],
}
print("/// Small pictures of every kind, made by generate.py beside this file.")
print("let pictureSeeds: [String: [String]] = [")
for name, files in kinds.items():
    print(f'  "{name}": [')
    for file in files:
        text = base64.b64encode(file).decode()
        lines = [text[i:i + 88] for i in range(0, len(text), 88)]
        print('    """')
        for i, line in enumerate(lines):
            print("    " + line + ("\\" if i < len(lines) - 1 else ""))
        print('    """,')
    print("  ],")
print("]")
