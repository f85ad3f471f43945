#!/bin/bash
# Each kind of image to JPEG 2000, JPEG-LS, RLE and JPEG: other programs read what is
# written, and what is lossless has lost nothing.
. "$(dirname "$0")/pixel.sh"
mapfile -t files < <(kinds)
oracle encode "${files[@]}"
agrees "what is encoded is read back by others and here" 24
done_testing
