#!/bin/sh
# Our reader and JSON writer against DCMTK's dcm2json, over the sample files.
data=${DICOMLAKE_TEST_DATA:-${abs_top_srcdir:-.}/../shared/data/dicom}
build=${abs_top_builddir:-.}

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

[ -r "$data/MANIFEST.tsv" ] || skip "no sample files (DICOMLAKE_TEST_DATA)"
for tool in python3 dcm2json dcmodify; do
	command -v "$tool" > /dev/null || skip "no $tool"
done
# DCMTK's private dictionary would name what we do not know.
DCMDICTPATH=$(sed -n 's/^DICOM_DICTIONARY = //p' "$build/Makefile")
export DCMDICTPATH
exec python3 "${abs_top_srcdir:-.}/tests/unit/dicom_oracle.py" "$build/tests/unit/dump_json" "$data"
