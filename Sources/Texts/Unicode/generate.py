"""Writes ScalarTables.swift: what the tokenizers library holds of each Unicode scalar, every scalar tried.

    pip install tokenizers==0.23.3 unicodedata2
    python generate.py > ScalarTables.swift

The library's tables are of different ages, so that Swift's own would not give the same tokens. unicodedata2 gives the
combining classes, which are then held against the order that the library's NFD puts marks in.
Numbers are written in base 32 (digits 0-9, a-v), each as the distance from the one before where they rise.
"""
import sys
import unicodedata2 as ud
from tokenizers import AddedToken, Tokenizer, models, normalizers as N, pre_tokenizers as P
from tokenizers import Regex

SCALARS = [i for i in range(0x110000) if not 0xD800 <= i <= 0xDFFF]
DIGITS = "0123456789abcdefghijklmnopqrstuv"


def base32(n):
    out = ""
    while True:
        out = DIGITS[n % 32] + out
        n //= 32
        if n == 0:
            return out


def ranges(scalars):
    out = []
    for s in scalars:
        if out and out[-1][1] == s - 1: out[-1][1] = s
        else: out.append([s, s])
    return out


def packed(rs):
    """Ranges: distance from the end of the one before, and how many more than one."""
    numbers, last = [], 0
    for a, b in rs:
        numbers += [a - last, b - a]
        last = b
    return numbers


def table(name, summary, numbers):
    lines, line = [], ""
    for n in numbers:
        word = base32(n)
        if len(line) + len(word) + 1 > 94:
            lines.append(line)
            line = ""
        line = word if not line else line + " " + word
    lines.append(line)
    print(f"  /// {summary}\n  static let {name} = \"\"\"\n    " + "\n    ".join(lines) + "\n    \"\"\"")


def one(normaliser):
    return {i: normaliser.normalize_str(chr(i)) for i in SCALARS}


def split_at(pattern):
    s = P.Split(Regex(pattern), "removed")
    return [i for i in SCALARS if not s.pre_tokenize_str(chr(i))]


def isolated(pre):
    """Scalars that stand alone between two others."""
    return [i for i in SCALARS if len(pre.pre_tokenize_str("a" + chr(i) + "a")) == 3]


clean = one(N.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False))
marks = one(N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False))
strip, lower = one(N.StripAccents()), one(N.Lowercase())
nfd, nfkd = one(N.NFD()), one(N.NFKD())
nfc = N.NFC()
spaces = {i for i in SCALARS if P.WhitespaceSplit().pre_tokenize_str("a" + chr(i) + "a") != [("a" + chr(i) + "a", (0, 3))]}
word = {i for i in SCALARS if len(P.Whitespace().pre_tokenize_str("a" + chr(i) + "a")) == 1 and i not in spaces}

print("""// Made by generate.py out of tokenizers 0.23.3; do not change by hand.

/// What the tokenizers library holds of each scalar: numbers in base 32, see `ScalarProperties`.
enum ScalarTables {""")
table("removed", "Ranges that BertNormalizer's cleaning drops.", packed(ranges(i for i in SCALARS if not clean[i])))
table("nonspacing", "Ranges of marks that BertNormalizer strips.", packed(ranges(i for i in SCALARS if not marks[i])))
table("marks", "Ranges of marks that StripAccents drops.", packed(ranges(i for i in SCALARS if not strip[i])))
table("punctuation", "Ranges of punctuation.", packed(ranges(isolated(P.Punctuation()))))
table("numeric", "Ranges of what Digits splits at.", packed(ranges(isolated(P.Digits(individual_digits=True)))))
table("word", "Ranges of `\\\\w` of the Whitespace pre-tokeniser.".replace("\\\\", "\\"), packed(ranges(sorted(word))))
table("letter", "Ranges of `\\p{L}` in patterns.", packed(ranges(split_at(r"\p{L}"))))
table("number", "Ranges of `\\p{N}` in patterns.", packed(ranges(split_at(r"\p{N}"))))
for key, what in (("patternWord", r"\w"), ("patternDigit", r"\d"), ("upper", r"\p{Lu}"), ("lowerLetter", r"\p{Ll}"), ("title", r"\p{Lt}"),
                  ("modifier", r"\p{Lm}"), ("otherLetter", r"\p{Lo}"), ("patternMark", r"\p{M}"), ("patternPunctuation", r"\p{P}"), ("symbol", r"\p{S}")):
    table(key, f"Ranges of `{what}` in patterns.", packed(ranges(split_at(what))))

numbers, last = [], 0
for i in SCALARS:
    if lower[i] != chr(i):
        numbers += [i - last, len(lower[i])] + [ord(c) for c in lower[i]]
        last = i
table("lowercase", "Distance, count, lower case.", numbers)
for name, summary, form, than in (("canonical", "Distance, count, canonical decomposition (Hangul is computed).", nfd, None),
                                  ("compatibility", "Distance, count, compatibility decomposition where it is another.", nfkd, nfd)):
    numbers, last = [], 0
    for i in SCALARS:
        if 0xAC00 <= i <= 0xD7A3 or form[i] == (than[i] if than else chr(i)): continue
        numbers += [i - last, len(form[i])] + [ord(c) for c in form[i]]
        last = i
    table(name, summary, numbers)

# Combining classes: a mark x goes before a mark m of class c exactly when 0 < class(x) < c.
first = {}
for i in SCALARS:
    if ud.combining(chr(i)): first.setdefault(ud.combining(chr(i)), i)
order = sorted(first)
probe = {c: chr(first[c]) for c in order}
nf = N.NFD()
top = "\u0345"   # class 240, the highest
order = [c for c in order if nf.normalize_str("a" + top + probe[c])[1] == probe[c] or c == 240]   # known to the library
classes = {}
for i in SCALARS:
    if nfd[i] != chr(i) or i == 0x345: continue
    if nf.normalize_str("a" + top + chr(i))[1] == chr(i):
        classes[i] = ud.combining(chr(i)) or None
        if classes[i] is None: print("// unknown class", hex(i), file=sys.stderr)
    elif ud.combining(chr(i)) not in (0, 240): print("newer than the library:", hex(i), file=sys.stderr)
classes[0x345] = 240
for i, c in classes.items():
    x = chr(i)
    for d in order:
        goes = nf.normalize_str("a" + probe[d] + x)[1] == x and x != probe[d]
        if goes != (c < d): print("class", hex(i), c, d, file=sys.stderr)
runs = []
for i in sorted(classes):
    if runs and runs[-1][1] == i - 1 and runs[-1][2] == classes[i]: runs[-1][1] = i
    else: runs.append([i, i, classes[i]])
numbers, last = [], 0
for a, b, c in runs:
    numbers += [a - last, b - a, c]
    last = b
table("combining", "Distance, how many more, combining class.", numbers)

numbers, last = [], 0
for i in SCALARS:
    d = ud.decomposition(chr(i))
    if not d or d.startswith("<") or 0xAC00 <= i <= 0xD7A3: continue
    parts = [int(x, 16) for x in d.split()]
    if len(parts) == 2 and nfc.normalize_str("".join(map(chr, parts))) == chr(i):
        numbers += [i - last, *parts]
        last = i
table("composition", "Distance to the composite, its first, its second.", numbers)
print("}")
