#!/bin/bash
# Every transfer syntax of the samples transcoded to explicit little endian: the pixels are
# DCMTK's or OpenJPEG's own, and all else is what it was.
. "$(dirname "$0")/pixel.sh"
mapfile -t files < <(images)
oracle transcode "${files[@]}"
agrees "pixels are those that other programs decode, the rest stays as it is" 140
done_testing
