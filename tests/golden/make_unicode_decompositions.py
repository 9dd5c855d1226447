"""Writes src/Ration/Tokenizers/Normalization/UnicodeDecompositions.txt from Python's copy of the Unicode Character Database."""
import pathlib
import unicodedata as u

out = pathlib.Path(__file__).parents[2] / "src/Ration/Tokenizers/Normalization/UnicodeDecompositions.txt"
lines = [f"# Unicode {u.unidata_version}: decompositions (=: canonical, !: canonical and never composed again, ~: compatibility) and",
         "# combining classes (@class first-last). Hangul syllables are arithmetic and not listed. Made by make_unicode_decompositions.py."]
classes = []
for c in range(0x110000):
    k = u.combining(chr(c))
    if k:
        if classes and classes[-1][0] == k and classes[-1][2] == c - 1:
            classes[-1][2] = c
        else:
            classes.append([k, c, c])
    d = u.decomposition(chr(c))
    if not d or 0xAC00 <= c <= 0xD7A3:
        continue
    parts = d.split()
    kind = "~" if parts[0].startswith("<") else "="
    points = [int(p, 16) for p in parts if not p.startswith("<")]
    if kind == "=" and (len(points) == 1 or u.normalize("NFC", chr(points[0]) + chr(points[1])) != chr(c)):
        kind = "!"
    lines.append(f"{c:X}{kind}" + " ".join(f"{p:X}" for p in points))
for k, a, b in classes:
    lines.append(f"@{k} {a:X}-{b:X}")
out.write_text("\n".join(lines) + "\n")
