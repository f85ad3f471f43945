"""dicom_oracle.py DUMP_JSON DATA: the checks of dicom-oracle.t, as TAP.

1. Every file is read or refused in bounded time and memory, and what is read
   is JSON both hidden and shown.
2. What is read of the files that are not broken is what dcm2json says: tag,
   VR and values of all elements that are not bulk.
3. Text that dcm2json cannot convert is what it is known to be.
4. The UIDs are those the manifest has; files made with a broken one are refused
   by every set of rules.

DCMTK 3.6.7 knowingly differs, which is normalised in 2:
  - bulk VRs, group lengths and group 0002 are left out on both sides
  - (0008,0005): DCMTK names UTF-8; PS3.18 F.2.2 note 3 has the file's
  - FL, FD: compared as numbers (DCMTK prints wrong last digits); NaN and
    infinity are bare words there
  - DS "500." stays so there, which is no JSON number
  - DS longer than 16 bytes and all SV, UV are strings there
  - PN: empty components at the end of a group are cut there
  - leading spaces are cut there in text VRs
  - compressed pixel data make it give up: it is given a copy without them
"""
import csv
import json
import math
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile

BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}

# Not among bad/, but not Part 10 files either.
REFUSED = {
    "pydicom-data/JLSL_RGB_ILV0.dcm": "no preamble",
    "pydicom-data/JLSN_RGB_ILV0.dcm": "no preamble",
    "pydicom-data/OT-PAL-8-face.dcm": "no preamble",
}

# Files of bad/ whose structure is sound: it is for validation to judge them.
SOUND = """
dcm4che/DICOMDIR dcmjs/invalid-vr-length-test.dcm dcmjs/no-meta-length-test.dcm
pydicom-data/bad_sequence.dcm pydicom/JPEG2000-embedded-sequence-delimiter.dcm
pydicom/UN_sequence.dcm pydicom/badVR.dcm pydicom/dicomdirtests/DICOMDIR
pydicom/dicomdirtests/DICOMDIR-bigEnd pydicom/dicomdirtests/DICOMDIR-empty.dcm
pydicom/dicomdirtests/DICOMDIR-implicit pydicom/dicomdirtests/DICOMDIR-nopatient
pydicom/dicomdirtests/DICOMDIR-reordered pydicom/empty_charset_LEI.dcm
pydicom/nested_priv_SQ.dcm pydicom/no_meta_group_length.dcm raccoon/DICOMDIR
""".split() + ["generated/" + name + ".dcm" for name in """
bot-overrun charset-unknown dates-invalid deflate-bomb-100MB ds-is-invalid
duplicate-tags frames-huge frames-zero group2-in-dataset iso2022-bad-escape
len-odd many-empty-items meta-group-length-huge meta-group-length-zero
missing-sop-class missing-sop-instance missing-study mutated-05 mutated-06
mutated-07 mutated-09 nested-32-undef pixeldata-short same-uids-everywhere
text-control-chars ts-jpeg-but-native ts-mismatch-implicit-as-explicit ts-unknown uid-65-chars-sop
uid-backslash-multi-sop uid-double-dot-sop uid-empty-sop uid-leading-zero-sop
uid-letters-sop uid-newline-sop uid-nul-inside-sop uid-only-dot-sop
uid-percent-sop uid-quote-sop uid-slash-sop uid-space-sop uid-too-long-200-sop
uid-trailing-dot-sop uid-trailing-spaces-sop uid-traversal-sop uid-utf8-sop
unordered-tags us-odd-length utf8-invalid vr-lower
""".split()]

# DCMTK leaves text of an item with a character set of its own unconverted.
DCMTK_WRONG = {"generated/charset/charset-nested.dcm", "pydicom/charset_files/chrSQEncoding.dcm"}

NAME = "00100010"
YAMADA = {"Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
KNOWN = {
    "pydicom/charset_files/chrArab.dcm": (NAME, {"Alphabetic": "قباني^لنزار"}),
    "pydicom/charset_files/chrFren.dcm": (NAME, {"Alphabetic": "Buc^Jérôme"}),
    "pydicom/charset_files/chrGerm.dcm": (NAME, {"Alphabetic": "Äneas^Rüdiger"}),
    "pydicom/charset_files/chrGreek.dcm": (NAME, {"Alphabetic": "Διονυσιος"}),
    "pydicom/charset_files/chrHbrw.dcm": (NAME, {"Alphabetic": "שרון^דבורה"}),
    "pydicom/charset_files/chrRuss.dcm": (NAME, {"Alphabetic": "Люкceмбypг"}),
    "pydicom/charset_files/chrH31.dcm": (NAME, {"Alphabetic": "Yamada^Tarou", **YAMADA}),
    "pydicom/charset_files/chrH32.dcm": (NAME, {"Alphabetic": "ﾔﾏﾀﾞ^ﾀﾛｳ", **YAMADA}),
    "pydicom/charset_files/chrI2.dcm": (NAME, {"Alphabetic": "Hong^Gildong", "Ideographic": "洪^吉洞", "Phonetic": "홍^길동"}),
    "pydicom/charset_files/chrJapMulti.dcm": (NAME, {"Alphabetic": "やまだ^たろう"}),
    "pydicom/charset_files/chrJapMultiExplicitIR6.dcm": (NAME, {"Alphabetic": "やまだ^たろう"}),
    "pydicom/charset_files/chrKoreanMulti.dcm": (NAME, {"Alphabetic": "김희중"}),
    "pydicom/charset_files/chrX1.dcm": (NAME, {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}),
    "pydicom/charset_files/chrX2.dcm": (NAME, {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}),
    "pydicom/charset_files/chrSQEncoding.dcm": ("00321064/00100010", {"Alphabetic": "ﾔﾏﾀﾞ^ﾀﾛｳ", **YAMADA}),
    "pydicom/charset_files/chrSQEncoding1.dcm": ("00321064/00100010", {"Alphabetic": "ﾔﾏﾀﾞ^ﾀﾛｳ", **YAMADA}),
    "generated/charset/charset-default-with-8bit.dcm": (NAME, {"Alphabetic": "Müller^Hans"}),
    "generated/charset/charset-gb18030.dcm": ("00081030", "胸部𠮷"),
    "generated/charset/charset-jis-159.dcm": (NAME, {"Alphabetic": "Sato^Ken", "Ideographic": "佐藤^賢", "Phonetic": "さとう^けん"}),
    "generated/charset/charset-jis-ir13-87.dcm": (NAME, {"Alphabetic": "ﾀﾅｶ^ｲﾁﾛｳ", "Ideographic": "田中^一郎", "Phonetic": "たなか^いちろう"}),
    "generated/charset/charset-korean.dcm": (NAME, {"Alphabetic": "Kim^Minsu", "Ideographic": "金^民秀", "Phonetic": "김^민수"}),
    "generated/charset/charset-latin1-multi.dcm": (NAME, {"Alphabetic": "Müller^Иван"}),
    "generated/charset/charset-nested.dcm": ("00400275/00321060", "Печень"),
    "generated/charset/charset-thai.dcm": (NAME, {"Alphabetic": "สมชาย^ใจดี"}),
    "bad/generated/charset-unknown.dcm": ("00081030", "café"),
}

# Of the files named for the UID in them, those the rule lets pass.
UID_GOOD = {"uid-double-dot-sop", "uid-leading-zero-sop", "uid-trailing-spaces-sop"}

tests = 0
failed = False


def tap(ok, what, notes=()):
    global tests, failed
    tests += 1
    failed |= not ok
    print("ok" if ok else "not ok", tests, "-", what)
    for note in list(notes)[:12]:
        print("#", note.encode("ascii", "backslashreplace").decode())
    sys.stdout.flush()


def run(*args):
    try:
        return subprocess.run(args, capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return None


# ------------------------------------------------------------ comparing ----

def same_value(vr, a, b):
    if vr == "PN":
        cut = [{g: v.rstrip("^") for g, v in (x or {}).items() if v.rstrip("^")} for x in (a, b)]
        return cut[0] == cut[1]
    if vr in ("FL", "FD", "DS", "SV", "UV") and a is not None and b is not None:
        try:
            a, b = float(a), float(b)
        except ValueError:
            return a == b
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        if vr == "FL":
            return struct.pack("<f", a) == struct.pack("<f", b)
        return a == b or math.isclose(a, b, rel_tol=1e-14)
    if isinstance(a, str) and isinstance(b, str):
        return a.lstrip(" ") == b.lstrip(" ")
    return a == b


def wanted(dataset):
    return {t: e for t, e in dataset.items()
            if e.get("vr") not in BULK and t[4:] != "0000" and t[:4] != "0002" and t != "00080005"}


def values(element):
    v = element.get("Value", [])
    if element["vr"] == "PN" and all(not "".join((x or {}).values()).strip("^") for x in v):
        return []
    return v


def compare(where, ours, theirs, out):
    ours, theirs = wanted(ours), wanted(theirs)
    for tag in sorted(set(ours) | set(theirs)):
        a, b = ours.get(tag), theirs.get(tag)
        if a is None or b is None:
            out.append(f"{where}{tag}: only {'DCMTK has it' if a is None else 'we have it'}")
            continue
        if a["vr"] != b["vr"]:
            out.append(f"{where}{tag}: VR {a['vr']}, DCMTK {b['vr']}")
            continue
        x, y = values(a), values(b)
        if len(x) != len(y):
            out.append(f"{where}{tag}: {len(x)} values, DCMTK {len(y)}")
            continue
        for i, (v, w) in enumerate(zip(x, y)):
            if a["vr"] == "SQ":
                compare(f"{where}{tag}[{i}].", v or {}, w or {}, out)
            elif not same_value(a["vr"], v, w):
                out.append(f"{where}{tag}[{i}] {a['vr']}: {v!r:.100}, DCMTK {w!r:.100}")


def load_theirs(text):
    text = text.decode("utf-8", "surrogateescape")
    text = re.sub(r"([\[,]-?\d+)\.(?=[,\]])", r"\1", text)
    text = re.sub(r"(?<=[\[,])(-?)inf(?=[,\]])", r'"\1Infinity"', text)
    text = re.sub(r"(?<=[\[,])-?nan(?=[,\]])", '"NaN"', text)
    return json.loads(text, strict=False)


def dcm2json(path, scratch):
    r = run("dcm2json", "-ee", "-fc", path)
    if r is not None and b"compressed pixel data" in r.stderr:
        copy = os.path.join(scratch, "copy.dcm")
        with open(path, "rb") as f, open(copy, "wb") as t:
            t.write(f.read())
        run("dcmodify", "-nb", "-ea", "(7fe0,0010)", copy)
        r = run("dcm2json", "-ee", "-fc", copy)
    return r if r is not None and r.returncode == 0 else None


def ascending(dataset):
    return list(dataset) == sorted(dataset) and all(
        ascending(item) for e in dataset.values() if e["vr"] == "SQ" for item in e.get("Value", []))


# ----------------------------------------------------------------- main ----

def dig(dataset, path):
    *way, last = path.split("/")
    for tag in way:
        dataset = dataset[tag]["Value"][0]
    return dataset[last]["Value"][0]


def main():
    dump, data = sys.argv[1:3]
    with open(os.path.join(data, "MANIFEST.tsv"), encoding="utf-8") as f:
        rows = list(csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE))
    files = [row["file"] for row in rows]
    sound = {"bad/" + name for name in SOUND}
    ours = {}

    for name in files:
        path = os.path.join(data, name)
        expect = name in sound if name.startswith("bad/") else name not in REFUSED
        hidden = run(dump, path)
        shown = run(dump, "-s", "http://h/x", path)
        notes = []
        if hidden is None or shown is None:
            notes.append("takes longer than 20 s")
        elif hidden.returncode not in (0, 1) or shown.returncode != hidden.returncode:
            notes.append(f"ends with {hidden.returncode}: {hidden.stderr!r}")
        elif (hidden.returncode == 0) != expect:
            notes.append(f"should be {'read' if expect else 'refused'}: {hidden.stderr!r}")
        elif expect:
            try:
                ours[name] = json.loads(hidden.stdout.decode("utf-8"))
                both = json.loads(shown.stdout.decode("utf-8"))
                if not ascending(ours[name]) or not ascending(both):
                    notes.append("tags are not in ascending order")
                if wanted(both).keys() != wanted(ours[name]).keys():
                    notes.append("hidden and shown differ in more than bulk")
                if any(e["vr"] in BULK for e in ours[name].values()):
                    notes.append("bulk is not hidden")
            except ValueError as e:
                notes.append(f"no JSON: {e}")
        tap(not notes, f"{'reads' if expect else 'refuses'} {name}", notes)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    tap(peak < 512 << 10, "no file takes more than 512 MiB", [f"peak {peak} KiB"])

    with tempfile.TemporaryDirectory() as scratch:
        for name in files:
            if name.startswith("bad/") or name not in ours or name in DCMTK_WRONG:
                continue
            theirs = dcm2json(os.path.join(data, name), scratch)
            if theirs is None:
                if name not in KNOWN:
                    tap(True, f"{name} # SKIP dcm2json refuses it")
                continue
            out = []
            compare("", ours[name], load_theirs(theirs.stdout), out)
            tap(not out, f"same as dcm2json: {name}", out)

    for name, (path, want) in KNOWN.items():
        if name not in files:
            continue
        try:
            got = dig(ours[name], path)
        except (KeyError, IndexError) as e:
            got = f"nothing ({e!r})"
        tap(got == want, f"text of {name}", [] if got == want else [f"{got!r}, should be {want!r}"])

    for row in rows:
        name = row["file"]
        if name not in ours:
            continue
        got = run(dump, "-i", os.path.join(data, name)).stdout.decode("utf-8").rstrip("\n").split("\t")
        stem = os.path.basename(name)[:-len(".dcm")]
        if name.startswith("bad/") and stem.startswith("uid-"):
            good = stem in UID_GOOD
            tap((got[2] != "") == good and got[3:] == (["00000000"] * 3 if good else ["00080018"] * 3),
                f"{'takes' if good else 'refuses'} the UID in {name}", [repr(got)])
        elif not name.startswith("bad/"):
            want = [row["study"], row["series"], row["sop"]]
            tap(got[:3] == want, f"UIDs of {name}", [] if got[:3] == want else [f"{got}, should be {want}"])
    print(f"1..{tests}")
    return 1 if failed else 0


sys.exit(main())
