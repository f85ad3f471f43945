# Make the tables of tag.c from DCMTK's dictionary file (its own header tells
# the format).  Private and generic entries are of no use here.  DCMTK marks
# retired attributes by a prefix that PS3.6 does not have.

BEGIN {
	FS = "\t"
	# For a VR that depends on something else, the first PS3.6 names; where
	# that is OB or OW, the one implicit VR is bound to (PS3.5 A.1).
	vr["xs"] = "US"; vr["ox"] = "OW"; vr["px"] = "OW"; vr["lt"] = "OW"; vr["up"] = "UL"
	n = 0
	for (i = 0; i < 16; i++)
		digit[substr("0123456789ABCDEF", i + 1, 1)] = i
}

function hex(s,    i, v) {
	v = 0
	for (i = 1; i <= length(s); i++)
		v = v * 16 + digit[toupper(substr(s, i, 1))]
	return v
}

/^#/ || NF < 5 { next }

{
	if ($5 == "PRIVATE" || $5 == "ILLEGAL" || $5 == "GENERIC" || $2 == "na")
		next
	tag = $1
	gsub(/[()]/, "", tag)
	split(tag, half, ",")
	# Of a range, its first: tag.c folds the others onto it.
	group = substr(half[1], 1, 4)
	element = substr(half[2], 1, 4)
	if (group !~ /^[0-9A-Fa-f]+$/ || element !~ /^[0-9A-Fa-f]+$/)
		next
	word = $3
	rank = 0
	if (word ~ /^ACR_NEMA_/)
		rank = 2
	else if ($5 ~ /retired/ || word ~ /^RETIRED_/)
		rank = 1
	sub(/^(RETIRED_|ACR_NEMA_)/, "", word)
	if (word !~ /^[A-Za-z][A-Za-z0-9_]*$/)
		next
	key = toupper(group element)
	if (key in ranks && ranks[key] <= rank)
		next
	if (!(key in ranks))
		keys[n++] = key
	ranks[key] = rank
	words[key] = word
	vrs[key] = $2 in vr ? vr[$2] : $2
	signed[key] = $2 == "xs"
}

function before(a, b) { return order[a] < order[b] }

# Heap sort of idx[0..m-1] by order[]: awk has no sort of its own.
function sift(start, end,    root, child, t) {
	root = start
	while (2 * root + 1 < end) {
		child = 2 * root + 1
		if (child + 1 < end && before(idx[child], idx[child + 1]))
			child++
		if (!before(idx[root], idx[child]))
			return
		t = idx[root]; idx[root] = idx[child]; idx[child] = t
		root = child
	}
}

function sort(m,    i, t) {
	for (i = int(m / 2) - 1; i >= 0; i--)
		sift(i, m)
	for (i = m - 1; i > 0; i--) {
		t = idx[0]; idx[0] = idx[i]; idx[i] = t
		sift(0, i)
	}
}

END {
	SLOTS = 16384			# tag.c knows this number and the hash below
	if (n < 4000 || n > SLOTS / 2) {
		print "dict.awk: " n " entries: this is no DICOM dictionary" > "/dev/stderr"
		exit 1
	}
	for (i = 0; i < n; i++) {
		idx[i] = i
		order[i] = keys[i] ""
	}
	sort(n)
	print "/* Made by dict.awk; do not edit. */"
	print "static const struct tag_entry entries[] = {"
	for (i = 0; i < n; i++) {
		key = keys[idx[i]]
		sorted[i] = key
		v = vrs[key]
		printf "\t{ 0x%s, VR('%s', '%s'), \"%s\" },\n", key, substr(v, 1, 1), substr(v, 2, 1), words[key]
	}
	print "};\n"

	for (i = 0; i < n; i++) {
		key = sorted[i]
		h = (hex(substr(key, 1, 4)) * 7919 + hex(substr(key, 5, 4)) * 31) % SLOTS
		while (h in slot)
			h = (h + 1) % SLOTS
		slot[h] = i + 1
	}
	printf "static const uint16_t slots[%d] = {", SLOTS
	for (h = 0; h < SLOTS; h++)
		printf "%s%d,", h % 16 ? " " : "\n\t", h in slot ? slot[h] : 0
	print "\n};\n"

	# By keyword; of two with the same, the one that is not retired.
	m = 0
	for (i = 0; i < n; i++) {
		key = sorted[i]
		w = words[key]
		if (w in owner) {
			if (ranks[key] < ranks[sorted[owner[w]]])
				owner[w] = i
		} else {
			owner[w] = i
			names[m++] = w
		}
	}
	for (i = 0; i < m; i++) {
		idx[i] = i
		order[i] = names[i] ""
	}
	sort(m)
	print "static const uint16_t by_keyword[] = {"
	for (i = 0; i < m; i++)
		printf "%s%d,", i % 16 ? " " : "\n\t", owner[names[idx[i]]]
	print "\n};\n"

	print "/* US or SS, as PixelRepresentation says */"
	print "static const uint32_t us_or_ss[] = {"
	for (i = 0; i < n; i++)
		if (signed[sorted[i]])
			printf "\t0x%s,\n", sorted[i]
	print "};"
}
