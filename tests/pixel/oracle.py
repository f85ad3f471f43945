"""Compare what pixels (pixels.c) makes of sample files with other programs.

	oracle.py transcode PIXELS DATA FILE...	explicit little endian against DCMTK's and OpenJPEG's decoding
	oracle.py encode PIXELS DATA FILE...	to each syntax that is written, read back by DCMTK and OpenJPEG
	oracle.py render PIXELS DATA FILE...	the first frame against dcmj2pnm

One line a file: "FILE: same ..." or "FILE: skipped, why" or "FILE: DIFFERS, how".
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

ELE = '1.2.840.10008.1.2.1'
J2K = '1.2.840.10008.1.2.4.90'
JLS = '1.2.840.10008.1.2.4.80'
RLE = '1.2.840.10008.1.2.5'
JPEG = '1.2.840.10008.1.2.4.50'

DECODERS = {
    '1.2.840.10008.1.2': ['dcmconv', '+te'],
    '1.2.840.10008.1.2.1': ['dcmconv', '+te'],
    '1.2.840.10008.1.2.1.99': ['dcmconv', '+te'],
    '1.2.840.10008.1.2.2': ['dcmconv', '+te'],
    '1.2.840.10008.1.2.5': ['dcmdrle'],
}
for last in (50, 51, 53, 55, 57, 70):
    DECODERS['1.2.840.10008.1.2.4.%d' % last] = ['dcmdjpeg']
for last in (80, 81):
    DECODERS['1.2.840.10008.1.2.4.%d' % last] = ['dcmdjpls']
# OpenJPH is not what decodes HTJ2K here, so it is the better witness where it is there.
OPENJPH = ['1.2.840.10008.1.2.4.%d' % last for last in (201, 202, 203)] if shutil.which('ojph_expand') else []
LOSSY_HTJ2K = '1.2.840.10008.1.2.4.203'
OPENJPEG = ['1.2.840.10008.1.2.4.%d' % last for last in (90, 91, 201, 202, 203)]

# What changes with the pixel data: their group's length, and what describes them.
ABOUT_PIXELS = re.compile(rb'^\((0002,00(00|10)|7fe0|0028,(0000|0004|0006|2110|2112|2114))')


# What others do otherwise, and why that is right here.
EXPECTED = {
    ('transcode', 'generated/synth/rtdose-32bit.dcm'): 'DCMTK turns big endian cells of 32 bits round by halves',
    ('transcode', 'pydicom/rtdose_expb_1frame.dcm'): 'DCMTK turns big endian cells of 32 bits round by halves',
    ('transcode', 'pydicom/J2K_pixelrep_mismatch.dcm'): 'the sign is the data set\'s, not the stream\'s',
    ('encode', 'pydicom/J2K_pixelrep_mismatch.dcm'): 'the sign is the data set\'s, not the stream\'s',
    ('render', 'generated/synth/rtdose-32bit.dcm'): 'as above',
    ('render', 'pydicom/rtdose_expb_1frame.dcm'): 'as above',
    ('render', 'fo-dicom/GH610.dcm'): 'DCMTK rounds a range of 0.002 to whole numbers',
}


class Differs(Exception):
    pass


class Skipped(Exception):
    pass


def run(*args):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


class Dicom:
    """The top level of a file, as much as is needed here."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.raw = f.read()
        self.elements = {}
        self.path = path
        at = self.walk(132, False, lambda tag: tag >> 16 == 2)
        self.data_set = at
        self.syntax = self.text(0x00020010)
        if self.syntax == '1.2.840.10008.1.2.1.99':
            self.raw = self.raw[:at] + zlib.decompressobj(-15).decompress(self.raw[at:])
        self.big = self.syntax == '1.2.840.10008.1.2.2'
        self.implicit = self.syntax == '1.2.840.10008.1.2'
        if not self.implicit and not self.raw[at + 4:at + 6].isalpha():
            self.implicit = True
        self.walk(at, self.implicit, lambda tag: True)

    def number(self, at, size):
        return int.from_bytes(self.raw[at:at + size], 'big' if getattr(self, 'big', False) else 'little')

    def header(self, at, implicit):
        tag = self.number(at, 2) << 16 | self.number(at + 2, 2)
        if implicit or tag >> 16 == 0xFFFE:
            return tag, b'', self.number(at + 4, 4), at + 8
        vr = self.raw[at + 4:at + 6]
        if vr in (b'OB', b'OW', b'OF', b'OD', b'OL', b'OV', b'SQ', b'UN', b'UT', b'UC', b'UR', b'SV', b'UV'):
            return tag, vr, self.number(at + 8, 4), at + 12
        return tag, vr, self.number(at + 6, 2), at + 8

    def walk(self, at, implicit, wanted):
        while at + 8 <= len(self.raw):
            tag, vr, length, value = self.header(at, implicit)
            if not wanted(tag) or tag == 0:
                break
            end = value + length
            if length == 0xFFFFFFFF:
                end = self.skip(value, implicit or vr == b'UN')
            self.elements[tag] = (at, value, end, length)
            at = end
        return at

    def skip(self, at, implicit):
        """Past the delimiter of what has an undefined length."""
        while True:
            tag, vr, length, value = self.header(at, implicit)
            if tag in (0xFFFEE0DD, 0xFFFEE00D):
                return value
            at = value + length if length != 0xFFFFFFFF else self.skip(value, implicit or vr == b'UN')

    def value(self, tag):
        _, value, end, _ = self.elements[tag]
        return self.raw[value:end]

    def text(self, tag):
        return self.value(tag).decode('latin-1').rstrip(' \0') if tag in self.elements else ''

    def us(self, tag, absent=0):
        return int.from_bytes(self.value(tag)[:2], 'big' if self.big else 'little') if tag in self.elements else absent

    def frames(self):
        return int(self.text(0x00280008) or 1)

    def fragments(self):
        _, at, end, _ = self.elements[0x7FE00010]
        out = []
        while at < end:
            tag, _, length, value = self.header(at, True)
            if tag != 0xFFFEE000:
                break
            out.append(self.raw[value:value + length])
            at = value + length
        return out[1:]

    def image(self):
        return all(self.us(t) > 0 for t in (0x00280010, 0x00280011, 0x00280100)) and 0x7FE00010 in self.elements

    def pixels(self):
        """Native, without padding."""
        bits = self.us(0x00280010) * self.us(0x00280011) * self.us(0x00280002, 1) * self.us(0x00280100)
        if self.text(0x00280004) == 'YBR_FULL_422' and len(self.value(0x7FE00010)) < bits * self.frames() // 8:
            bits = bits * 2 // 3
        return self.value(0x7FE00010)[:(bits * self.frames() + 7) // 8]


def split(d):
    """The code streams of a JPEG 2000 object, a frame each."""
    streams = []
    for fragment in d.fragments():
        if d.frames() > 1 and fragment.startswith((b'\xff\x4f\xff\x51', b'\0\0\0\x0c')) or not streams:
            streams.append(fragment)
        else:
            streams[-1] += fragment
    return streams


def openjpeg(d, tmp):
    """Cells as opj_decompress has them."""
    out = b''
    cell = max(1, d.us(0x00280100) // 8)
    for stream in split(d):
        name = os.path.join(tmp, 'f.jp2' if stream.startswith(b'\0\0\0\x0c') else 'f.j2k')
        raw = os.path.join(tmp, 'f.rawl')
        with open(name, 'wb') as f:
            f.write(stream)
        r = run('opj_decompress', '-i', name, '-o', raw)
        if r.returncode != 0 or not os.path.exists(raw):
            raise Skipped('opj_decompress does not read it')
        with open(raw, 'rb') as f:
            data = f.read()
        os.unlink(raw)
        samples = d.us(0x00280002, 1)
        n = d.us(0x00280010) * d.us(0x00280011)
        have = len(data) // (n * samples)
        if have < cell:         # a narrow stream in wide cells
            data = b''.join(bytes([b]) + bytes(cell - have) for b in data)
        if samples > 1:         # opj_decompress writes plane by plane
            planes = [data[s * n * cell:(s + 1) * n * cell] for s in range(samples)]
            mixed = bytearray(len(data))
            for s in range(samples):
                for b in range(cell):
                    mixed[s * cell + b::samples * cell] = planes[s][b::cell]
            data = bytes(mixed)
        if d.us(0x00280100) == 1:
            packed = bytearray((n + 7) // 8)
            for i, b in enumerate(data):
                packed[i // 8] |= (b & 1) << i % 8
            data = bytes(packed)
        out += data
    return out


def openjph(d, tmp):
    out = b''
    for stream in split(d):
        name, pnm = os.path.join(tmp, 'f.j2c'), os.path.join(tmp, 'f.ppm' if d.us(0x00280002, 1) == 3 else 'f.pgm')
        with open(name, 'wb') as f:
            f.write(stream)
        if run('ojph_expand', '-i', name, '-o', pnm).returncode != 0:
            raise Skipped('ojph_expand does not read it')
        _, _, _, data = picture(pnm)
        if d.us(0x00280100) == 16:      # PNM is big endian
            data = bytes(b for i in range(0, len(data), 2) for b in (data[i + 1], data[i]))
        out += data
    return out


def make(pixels, path, syntax, tmp, name='ours.dcm'):
    out = os.path.join(tmp, name)
    with open(out, 'wb') as f:
        r = subprocess.run([pixels, path, 'transcode', syntax], stdout=f, stderr=subprocess.PIPE, timeout=120)
    if r.returncode != 0:
        return None, r.stderr.decode().strip()
    return out, ''


def reference(d, path, tmp):
    if d.syntax in OPENJPH:
        return openjph(d, tmp)
    if d.syntax in OPENJPEG:
        return openjpeg(d, tmp)
    if d.syntax not in DECODERS:
        raise Skipped('no other program decodes %s' % d.syntax)
    out = os.path.join(tmp, 'theirs.dcm')
    r = run(*DECODERS[d.syntax], path, out)
    if r.returncode != 0:
        raise Skipped('%s does not read it' % DECODERS[d.syntax][0])
    return Dicom(out).pixels()


def worst(a, b, cell):
    """The largest difference of two runs of cells."""
    if cell == 1:
        return max(abs(x - y) for x, y in zip(a, b))
    return max(abs(int.from_bytes(a[i:i + cell], 'little') - int.from_bytes(b[i:i + cell], 'little'))
               for i in range(0, len(a), cell))


def data_set(path):
    """What dcmdump says of the rest of the file, lengths of sequences left aside."""
    text = run('dcmdump', '-q', '-Un', '+L', path).stdout
    lines = []
    for line in text.splitlines():
        if ABOUT_PIXELS.match(line) or line.startswith((b'#', b'  (fffe,e000) pi', b'(fffe,e0dd)')) or not line:
            continue
        if b'(fffe,e0' in line or re.match(rb'^ *\([0-9a-f,]*\) (SQ|na)', line):
            line = re.sub(rb' *\(.*#.*$', b'', line[:1 + len(line) - len(line.lstrip()) + 12])
        if re.match(rb'^ *\([0-9a-f]{4},0000\)|^ *\(fffe', line):
            continue
        lines.append(re.sub(rb'\) (xs|US|SS|ox|OB|OW|up|UL|lt) ', b') ', line))
    return lines


def check_rest(d, ours, path):
    """Everything but the pixels is as it was: byte for byte where the encoding stays."""
    changed = {0x00280000, 0x00280004, 0x00280006, 0x00282110, 0x00282112, 0x00282114,
               0x7FE00000, 0x7FE00001, 0x7FE00002, 0x7FE00010}
    if d.implicit or d.big:
        if 'UN' in run('dcmdump', '-q', ours.path).stdout.decode('latin-1'):
            return
        theirs, mine = data_set(path), data_set(ours.path)
        if theirs != mine:
            for x, y in zip(theirs, mine):
                if x != y:
                    raise Differs('the data set: %s became %s' % (x, y))
            raise Differs('the data set has %d lines, had %d' % (len(mine), len(theirs)))
        return
    for tag, (at, _, end, _) in d.elements.items():
        if tag >> 16 == 2 or tag in changed:
            continue
        if tag not in ours.elements:
            raise Differs('%08X is gone' % tag)
        a, _, e, _ = ours.elements[tag]
        if ours.raw[a:e] != d.raw[at:end]:
            raise Differs('%08X has other bytes' % tag)
    for tag in ours.elements:
        if tag not in d.elements and tag not in changed and tag >> 16 != 2:
            raise Differs('%08X is new' % tag)


def transcode(pixels, path, tmp):
    d = Dicom(path)
    out, why = make(pixels, path, ELE, tmp)
    if not d.image():
        if out is None:
            raise Skipped('no pixel data: ' + why)
        check_rest(d, Dicom(out), path)
        return 'the same, without pixel data'
    want = reference(d, path, tmp)
    if out is None and why.startswith('Invalid argument: (0020'):
        raise Skipped('not stored: ' + why)
    if out is None:
        raise Differs('not transcoded: ' + why)
    ours = Dicom(out)
    if ours.syntax != ELE:
        raise Differs('names another syntax')
    check_rest(d, ours, path)
    got = ours.pixels()
    if len(got) != len(want):
        raise Differs('%d bytes of pixels, not %d' % (len(got), len(want)))
    # each rounds the last bit of a lossy stream its own way
    if got != want and not (d.syntax == LOSSY_HTJ2K and worst(got, want, max(1, d.us(0x00280100) // 8)) <= 1):
        raise Differs('a pixel by %d' % worst(got, want, max(1, d.us(0x00280100) // 8)))
    if d.us(0x00280002) > 1 and d.syntax != ELE and d.syntax in DECODERS:
        theirs = os.path.join(tmp, 'theirs.dcm')
        if ours.text(0x00280004) != Dicom(theirs).text(0x00280004):
            raise Differs('%s, not %s' % (ours.text(0x00280004), Dicom(theirs).text(0x00280004)))
        if ours.us(0x00280006) != Dicom(theirs).us(0x00280006):
            raise Differs('another planar configuration')
    return 'same %d bytes' % len(got)


def encode(pixels, path, tmp):
    d = Dicom(path)
    if not d.image():
        raise Skipped('no pixel data')
    plain, why = make(pixels, path, ELE, tmp, 'plain.dcm')
    if plain is None:
        raise Skipped('not decoded: ' + why)
    p = Dicom(plain)
    done = []
    for name, syntax in ('J2K', J2K), ('JLS', JLS), ('RLE', RLE), ('JPEG', JPEG):
        out, why = make(pixels, plain, syntax, tmp)
        if out is None:
            if 'stored' not in why and 'hold' not in why and 'cannot be' not in why and 'no room' not in why and 'single bits' not in why:
                raise Differs('%s: %s' % (name, why))
            continue
        ours = Dicom(out)
        if ours.syntax != syntax:
            raise Differs('%s: names another syntax' % name)
        check_rest(p, ours, plain)
        if syntax == JPEG:
            if ours.text(0x00282110) != '01' or not ours.text(0x00282114).endswith('ISO_10918_1'):
                raise Differs('JPEG: does not say it is lossy')
            if run('dcmdjpeg', out, os.path.join(tmp, 'theirs.dcm')).returncode != 0:
                raise Differs('JPEG: DCMTK does not read it')
            done.append(name)
            continue
        if syntax == J2K:
            want, got = p.pixels(), openjpeg(ours, tmp)
            if p.us(0x00280006) == 1 or p.text(0x00280004).endswith('422') or p.us(0x00280100) == 1:
                want = got      # another arrangement: through our own decoder below
        else:
            theirs = os.path.join(tmp, 'theirs.dcm')
            if run('dcmdrle' if syntax == RLE else 'dcmdjpls', out, theirs).returncode != 0:
                if p.us(0x00280100) == 1:
                    continue    # DCMTK has no RLE of single bits
                raise Differs('%s: DCMTK does not read it' % name)
            want, got = p.pixels(), Dicom(theirs).pixels()
            if p.us(0x00280006) != Dicom(theirs).us(0x00280006) or p.text(0x00280004).endswith('422'):
                want = got
        if want != got:
            raise Differs('%s is not lossless for others: by %d' % (name, worst(got, want, max(1, p.us(0x00280100) // 8))))
        again, why = make(pixels, out, ELE, tmp, 'again.dcm')
        if again is None:
            raise Differs('%s: not read back: %s' % (name, why))
        a = Dicom(again)
        if a.us(0x00280006) == p.us(0x00280006) and a.text(0x00280004) == p.text(0x00280004) and \
                a.pixels() != p.pixels():
            raise Differs('%s is not lossless' % name)
        done.append(name)
    return 'same by ' + ' '.join(done)


def picture(path):
    """A PNM or (by pngtopnm of our own) PNG as width, height, channels, bytes."""
    with open(path, 'rb') as f:
        raw = f.read()
    if raw.startswith(b'\x89PNG'):
        return png(raw)
    m = re.match(rb'P([56])\s(?:#.*\s)*(\d+)\s+(\d+)\s+(\d+)\s', raw)
    channels = 3 if m.group(1) == b'6' else 1
    return int(m.group(2)), int(m.group(3)), channels, raw[m.end():]


def png(raw):
    at, data, width, height, channels = 8, b'', 0, 0, 0
    while at < len(raw):
        length = int.from_bytes(raw[at:at + 4], 'big')
        kind, body = raw[at + 4:at + 8], raw[at + 8:at + 8 + length]
        if kind == b'IHDR':
            width, height = int.from_bytes(body[:4], 'big'), int.from_bytes(body[4:8], 'big')
            channels = 3 if body[9] == 2 else 1
        elif kind == b'IDAT':
            data += body
        at += 12 + length
    data = zlib.decompress(data)
    out, step = bytearray(), width * channels
    for y in range(height):
        kind, line = data[y * (step + 1)], bytearray(data[y * (step + 1) + 1:(y + 1) * (step + 1)])
        if kind == 1:
            for i in range(channels, step):
                line[i] = (line[i] + line[i - channels]) & 255
        elif kind != 0:
            raise Differs('PNG filter %d' % kind)
        out += line
    return width, height, channels, bytes(out)


# Grey levels that rounding may take away or add, and for colour what other
# arithmetic of YBR costs; a few pixels may lie further off, at edges of windows.
TOLERANCE = 2
FAR = 0.001


def render(pixels, path, tmp):
    d = Dicom(path)
    if not d.image():
        raise Skipped('no pixel data')
    png_path = os.path.join(tmp, 'ours.png')
    with open(png_path, 'wb') as f:
        r = subprocess.run([pixels, path, 'render', '1', 'png'], stdout=f, stderr=subprocess.PIPE, timeout=120)
    theirs = os.path.join(tmp, 'theirs.pnm')
    source = path
    if d.syntax in OPENJPEG or d.syntax not in DECODERS:
        # dcmj2pnm knows no JPEG 2000: the decoding is another test's
        source, why = make(pixels, path, ELE, tmp)
        if source is None:
            raise Skipped(why)
    if 0x52009229 in d.elements and b'\x28\x00\x50\x10' in d.raw and 0x00281050 not in d.elements:
        raise Skipped('dcmj2pnm finds no window in functional groups')
    if 0x00280120 in d.elements and 0x00281050 not in d.elements:
        raise Skipped('dcmj2pnm counts padding in the range')
    window = ['+Wi', '1'] if 0x00281050 in d.elements and d.text(0x00281050) else ['+Wm']
    if 0x00283010 in d.elements and '+Wm' in window:
        window = ['+Wl', '1']
    if os.path.exists(theirs):
        os.unlink(theirs)
    q = run('dcmj2pnm', '-q', '+F', '1', '-O', *window, source, theirs)
    if q.returncode != 0 or not os.path.exists(theirs):
        raise Skipped('dcmj2pnm does not read it (ours: %s)' % (r.stderr.decode().strip() or 'rendered'))
    if r.returncode != 0:
        raise Differs('not rendered: ' + r.stderr.decode().strip())
    w, h, c, ours = picture(png_path)
    w2, h2, c2, want = picture(theirs)
    if (w, h) != (w2, h2):
        raise Differs('%d x %d, not %d x %d' % (w, h, w2, h2))
    if c != c2:
        ours = ours if c == 3 else bytes(b for p in ours for b in (p, p, p))
        want = want if c2 == 3 else bytes(b for p in want for b in (p, p, p))
    off = sorted((abs(x - y) for x, y in zip(ours, want)), reverse=True)
    far = off[int(len(off) * FAR)]
    if far > TOLERANCE:
        raise Differs('all but a few pixels by up to %d, some by %d, mean %.2f' % (far, off[0], sum(off) / len(off)))
    return 'same within %d (worst %d)' % (far, off[0])


def main():
    what, pixels, data, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    work = {'transcode': transcode, 'encode': encode, 'render': render}[what]
    for name in files:
        with tempfile.TemporaryDirectory() as tmp:
            try:
                result = work(pixels, os.path.join(data, name), tmp)
            except Differs as e:
                result = 'DIFFERS, %s' % e
                if (what, name) in EXPECTED:
                    result = 'differs as expected: ' + EXPECTED[what, name]
            except Skipped as e:
                result = 'skipped, %s' % e
            except Exception as e:      # of a sample this script cannot follow
                result = 'DIFFERS, %s: %s' % (type(e).__name__, e)
        print('%s: %s' % (name, result), flush=True)


main()
