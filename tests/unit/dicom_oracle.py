"""Compare DICOM JSON on stdin lines: ours (hidden) with dcm2json's, for dicom-oracle.t.

usage: dicom_oracle.py OURS THEIRS -- prints each difference; exit 1 when there are any.

What is normalised, because DCMTK 3.6.7 differs knowingly:
  - bulk VRs and group 0002 and group lengths are left out on both sides
  - (0008,0005): DCMTK says ISO_IR 192, since it converted; so does not say what the file has
  - FL and FD are compared as numbers (DCMTK prints wrong last digits)
  - NaN and infinity: DCMTK prints bare words
  - PN: DCMTK cuts empty components at the end of a group
  - DS "500." is passed on by DCMTK as such, which is no JSON number
"""
import json
import math
import re
import struct
import sys

BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}


def load(path, theirs):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        text = f.read()
    if theirs:
        text = re.sub(r'([\[,:]\s*-?\d+)\.(?=\s*[,\]])', r"\1", text)
        text = re.sub(r'(?<=[\[,])(\s*)-inf(?=\s*[,\]])', r'\1"-Infinity"', text)
        text = re.sub(r'(?<=[\[,])(\s*)inf(?=\s*[,\]])', r'\1"Infinity"', text)
        text = re.sub(r'(?<=[\[,])(\s*)-?nan(?=\s*[,\]])', r'\1"NaN"', text)
    return json.loads(text, strict=not theirs)


def same_value(vr, a, b):
    if vr == "PN" and isinstance(a, dict) and isinstance(b, dict):
        a = {g: v.rstrip("^") for g, v in a.items() if v.rstrip("^")}
        return a == {g: v.rstrip("^") for g, v in b.items() if v.rstrip("^")}
    if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
        return a == b
    if a == b:
        return True
    if vr == "FL":
        return struct.pack("<f", a) == struct.pack("<f", b)
    return vr in ("FD", "DS") and math.isclose(a, b, rel_tol=1e-14)


def compare_values(where, vr, ours, theirs, out):
    if len(ours) != len(theirs):
        out.append(f"{where}: {len(ours)} values, DCMTK {len(theirs)}: {ours!r:.200} {theirs!r:.200}")
        return
    for i, (a, b) in enumerate(zip(ours, theirs)):
        if vr == "SQ":
            compare(f"{where}[{i}].", a or {}, b or {}, out)
        elif not same_value(vr, a, b):
            out.append(f"{where}[{i}] {vr}: {a!r:.300}, DCMTK {b!r:.300}")


def wanted(dataset):
    return {t: e for t, e in dataset.items()
            if e.get("vr") not in BULK and t[4:] != "0000" and t[:4] not in ("0000", "0002")
            and t != "00080005"}


def compare(where, ours, theirs, out):
    ours, theirs = wanted(ours), wanted(theirs)
    for tag in sorted(set(ours) | set(theirs)):
        a, b = ours.get(tag), theirs.get(tag)
        if a is None or b is None:
            out.append(f"{where}{tag}: only in {'ours' if b is None else 'DCMTK'}: {a or b!r:.200}")
        elif a["vr"] != b["vr"]:
            out.append(f"{where}{tag}: VR {a['vr']}, DCMTK {b['vr']}")
        else:
            compare_values(where + tag, a["vr"], a.get("Value", []), b.get("Value", []), out)


def main():
    out = []
    ours = load(sys.argv[1], False)
    theirs = load(sys.argv[2], True)
    if list(ours) != sorted(ours):
        out.append("tags are not in ascending order")
    compare("", ours, theirs, out)
    for line in out:
        print("#", line.encode("utf-8", "backslashreplace").decode())
    return 1 if out else 0


sys.exit(main())
