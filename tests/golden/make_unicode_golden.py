"""Writes tests/Ration.Tests/Golden/unicode-forms.txt: random strings and their four normal forms, by Python's unicodedata, as UTF-8 in hex."""
import pathlib
import random
import unicodedata as u

r = random.Random(7)
every = [chr(c) for c in range(0x30000) if u.decomposition(chr(c)) or u.combining(chr(c))]
hangul = [chr(c) for c in [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3), 0xAC00, 0xAC01, 0xD7A3, 0xD788]]
marks = [c for c in every if u.combining(c)]
plain = list("abcAEou q\u00df\u4e16\U0001F600")
lines = []
for i in range(240):
    pools = [every, marks, plain, plain, hangul] if i % 3 else [marks, plain, plain]
    s = "".join(r.choice(r.choice(pools)) for _ in range(r.randrange(1, 9)))
    lines.append(" ".join(t.encode().hex() for t in [s] + [u.normalize(f, s) for f in ("NFD", "NFC", "NFKD", "NFKC")]))
(pathlib.Path(__file__).parents[1] / "Ration.Tests/Golden/unicode-forms.txt").write_text("\n".join(lines) + "\n")
