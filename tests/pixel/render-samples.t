#!/bin/bash
# The first frame of every readable image against dcmj2pnm, within 2 of 255 grey
# levels but for one pixel in a thousand.
. "$(dirname "$0")/pixel.sh"
mapfile -t files < <(images)
oracle render "${files[@]}"
agrees "pictures are those that another program renders" 115
done_testing
