#!/bin/bash
# Every frame of the encapsulated samples: whichever way its fragments are told.
. "$(dirname "$0")/pixel.sh"
whole=$data/generated/encaps/mf-bot-1frag.dcm
# The frames as dcmdump finds them in the file with a true table and a fragment each.
mkdir "$tmp/raw"
dcmdump -q +W "$tmp/raw" "$whole" >/dev/null
for n in 1 2 3 4; do
	cp "$tmp/raw/mf-bot-1frag.dcm.$n.raw" "$tmp/want.$n"
done
ok "dcmdump gives four code streams" test "$(cat "$tmp"/want.? | wc -c)" -gt 30000
frames=1
for name in mf-bot-1frag mf-bot-multifrag mf-bot-wrong mf-empty-bot-1frag mf-empty-bot-multifrag \
	mf-extended-offset-table mf-frames-more-than-fragments; do
	frames=4
	[ "$name" != mf-frames-more-than-fragments ] || frames=3
	is "$name has $frames frames" "$("$pixels" "$data/generated/encaps/$name.dcm" count)" "$frames"
	wrong=
	for ((n = 1; n <= frames; n++)); do
		"$pixels" "$data/generated/encaps/$name.dcm" frame $n '*' >"$tmp/got"
		# but for the byte that pads a fragment, which the extended table counts off
		cmp -s "$tmp/got" "$tmp/want.$n" || cmp -s "$tmp/got" <(head -c -1 "$tmp/want.$n") || wrong="$wrong $n"
	done
	is "$name: each is the right one" "$wrong" ""
done
is "the single frame in pieces is one" "$("$pixels" "$data/generated/encaps/sf-multifrag.dcm" count)" 1
"$pixels" "$data/generated/encaps/sf-multifrag.dcm" frame 1 '*' >"$tmp/got"
is "from its start to its end" "$(head -c 3 "$tmp/got" | xxd -p) $(tail -c 3 "$tmp/got" | xxd -p | grep -o ffd9)" "ffd8ff ffd9"
ok "and decodes" "$pixels" "$data/generated/encaps/sf-multifrag.dcm" frame 1 1.2.840.10008.1.2.1
fails 1 "a fragment that ends beyond the file is refused" \
	"$pixels" "$data/bad/generated/fragment-length-overrun.dcm" count
is "a video is one frame" "$("$pixels" "$data/generated/synth/video-mpeg2-main.dcm" count)" 1
# frames of 1 bit that do not begin with a byte
ref=$data/generated/synth/seg-1bit-unaligned.dcm
python3 - "$ref" "$("$pixels" "$ref" count)" "$tmp" <<'END'
import re, subprocess, sys
name, count, tmp = sys.argv[1], int(sys.argv[2]), sys.argv[3]
raw = open(name, 'rb').read()
def us(tag):
    at = raw.rindex(tag)
    return int.from_bytes(raw[at + 8:at + 10], 'little')
n = us(b'\x28\x00\x10\x00US') * us(b'\x28\x00\x11\x00US')
at = max(raw.rfind(b'\xe0\x7f\x10\x00OB'), raw.rfind(b'\xe0\x7f\x10\x00OW')) + 12
bits = [raw[at + i // 8] >> i % 8 & 1 for i in range(n * count)]
for f in range(count):
    out = bytearray((n + 7) // 8)
    for i in range(n):
        out[i // 8] |= bits[f * n + i] << i % 8
    open('%s/bits.%d' % (tmp, f + 1), 'wb').write(out)
END
count=$("$pixels" "$ref" count)
wrong=
for ((n = 1; n <= count; n++)); do
	"$pixels" "$ref" frame $n '*' | cmp -s - "$tmp/bits.$n" || wrong="$wrong $n"
done
is "each frame of $count of single bits begins with its first pixel" "$wrong" ""
"$pixels" "$ref" transcode 1.2.840.10008.1.2.5 >"$tmp/rle.dcm"
wrong=
for ((n = 1; n <= count; n++)); do
	"$pixels" "$tmp/rle.dcm" frame $n 1.2.840.10008.1.2.1 | cmp -s - "$tmp/bits.$n" || wrong="$wrong $n"
done
is "also by way of RLE" "$wrong" ""
"$pixels" "$tmp/rle.dcm" transcode 1.2.840.10008.1.2.1 >"$tmp/again.dcm"
wrong=
for ((n = 1; n <= count; n++)); do
	"$pixels" "$tmp/again.dcm" frame $n '*' | cmp -s - "$tmp/bits.$n" || wrong="$wrong $n"
done
is "and packed again" "$wrong" ""
done_testing
