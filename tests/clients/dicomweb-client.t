#!/bin/bash
# The npm package dicomweb-client stores, searches and retrieves.
. "$(dirname "$0")/clients.sh"
require_npm dicomweb-client 0.11.3
client=$package
require_npm xhr2 0.2.1
new_store
start_daemon
for n in 1 2 3; do
	make_dcm "$tmp/$n.dcm" StudyInstanceUID=2.25.7 SeriesInstanceUID=2.25.7.$((n % 2)) SOPInstanceUID=2.25.7.1.$n \
		PatientID=CLIENT PatientName=Client^Carl
done
run_tap node "$clients/dicomweb-client.cjs" "$client" "$package" "$base/dicom-web" "$tmp/1.dcm" "$tmp/2.dcm" "$tmp/3.dcm"
done_testing
