"""Writes DigitImages.swift from the copy of the digits inside the scikit-learn package.

    pip install scikit-learn==1.9.1
    python generate.py > DigitImages.swift
"""
import csv, gzip, pathlib, sklearn

path = pathlib.Path(sklearn.__file__).parent / "datasets" / "data" / "digits.csv.gz"
with gzip.open(path, "rt") as file:
    rows = [[int(float(cell)) for cell in row] for row in csv.reader(file)]
assert len(rows) == 1797 and all(len(row) == 65 for row in rows)
print("// Made by generate.py; do not edit.")
print()
print("/// The 1,797 digits, a line each: 64 letters, A for 0 to Q for 16 parts of ink, by rows of the")
print("/// picture, then the digit.")
print("///")
print("/// E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI Machine Learning")
print("/// Repository (1998), https://doi.org/10.24432/C50P49, CC BY 4.0; the test part, 8×8.")
print('let digitImages: StaticString = """')
for row in rows:
    print("  " + "".join(chr(ord("A") + value) for value in row[:64]) + str(row[64]))
print('  """')
