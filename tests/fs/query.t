#!/bin/bash
# Below .query the names of directories are a search, and listings its matches.
. "$(dirname "$0")/mount.sh"
require_program dump2dcm dcmodify python3

n=0
# study UID PATIENT DATE MODALITY [KEYWORD=VALUE...]
study() {
	n=$((n + 1))
	make_dcm "$tmp/in/$n.dcm" "StudyInstanceUID=$1" "SeriesInstanceUID=$1.1" "PatientID=$2" "StudyDate=$3" "Modality=$4" "${@:5}"
}
mkdir "$tmp/in"
study 1.2.1 A 20240110 CT "PatientName=Doe^Jane" "BodyPartExamined=HEAD"
study 1.2.2 A 20240220 MR "PatientName=Doe^Jane"
study 1.2.3 B 20240330 CT "PatientName=Roe^Rick"
study 1.2.4 B 20250101 CT "PatientName=Roe^Rick" "BodyPartExamined=HEAD"
make_dcm "$tmp/in/second.dcm" StudyInstanceUID=1.2.2 SeriesInstanceUID=1.2.2.2 PatientID=A StudyDate=20240220 Modality=SR "PatientName=Doe^Jane"
start_mount
service=$mnt/AHDS/default/dicom/dicom
ok "files go in" t cp "$tmp"/in/*.dcm "$partition/"
query=$partition/.query

matches() {
	t ls "$query/$1" 2>&1 | tr '\n' ' ' | sed 's/ $//'
}
is "a value" "$(matches PatientID=A)" "1.2.1 1.2.2"
is "two of them" "$(matches PatientID=A/Modality=CT)" "1.2.1"
is "in any order" "$(matches Modality=CT/PatientID=A)" "1.2.1"
is "one of several modalities" "$(matches Modality=MR)" "1.2.2"
is "both of them" "$(matches Modality=MR/Modality=SR)" "1.2.2"
is "which no study has both of" "$(matches Modality=MR/Modality=CT)" ""
is "a range" "$(matches StudyDate=20240201-20241231)" "1.2.2 1.2.3"
is "an open one" "$(matches StudyDate=20240301-)" "1.2.3 1.2.4"
is "a pattern" "$(matches 'PatientName=Doe*')" "1.2.1 1.2.2"
is "in either case" "$(matches 'PatientName=roe^r?ck')" "1.2.3 1.2.4"
is "a list of UIDs" "$(matches StudyInstanceUID=1.2.1,1.2.4,9.9)" "1.2.1 1.2.4"
is "by tag" "$(matches 00100020=B)" "1.2.3 1.2.4"
is "what is not indexed" "$(matches BodyPartExamined=HEAD)" "1.2.1 1.2.4"
is "with what is" "$(matches BodyPartExamined=HEAD/PatientID=B)" "1.2.4"
is "any value" "$(matches PatientID=)" "1.2.1 1.2.2 1.2.3 1.2.4"
is "no match" "$(matches PatientID=nobody)" ""
is "nothing asked" "$(matches "")" ""
is "newest first" "$(t ls -U "$query/PatientID=B" | tr '\n' ' ')" "1.2.4 1.2.3 "

like "an unknown keyword" "$(matches Foo=1)" 'No such file'
like "no condition" "$(matches PatientID)" 'No such file'
like "a wrong value" "$(matches StudyDate=today)" 'Invalid argument'
like "a sequence" "$(matches ReferencedStudySequence=1)" 'Invalid argument'
like "too many conditions" "$(matches "$(printf 'PatientID=A/%.0s' {1..17})")" 'too long'

is "links lead to the study" "$(t readlink "$query/PatientID=A/Modality=CT/1.2.1")" ../../../1.2.1
ok "which is there" t test -d "$query/PatientID=A/Modality=CT/1.2.1/1.2.1.1"
is "the same one" "$(t stat -Lc %i "$query/PatientID=A/1.2.1")" "$(t stat -c %i "$partition/1.2.1")"
is "the size of a link" "$(t stat -c %s "$query/PatientID=A/1.2.1")" 11
is "globs go through" "$(t bash -c 'echo "$1"/PatientID=B/*/*/*.dcm' - "$query" | wc -w)" 2
is "find -L, too" "$(t find -L "$query/PatientID=A/" -name '*.dcm' | wc -l)" 3
fails 1 "a study that does not fit is not there" t test -e "$query/PatientID=A/1.2.3"
fails 1 "nor one that is none" t test -e "$query/PatientID=A/9.9"
is "the directory is known again" "$(t stat -c %i "$query/PatientID=A")" "$(t stat -c %i "$query/PatientID=A")"

# The service's searches the default partition.
is "of the service" "$(t ls "$service/.query/PatientID=B" | tr '\n' ' ')" "1.2.3 1.2.4 "
is "its links" "$(t readlink "$service/.query/PatientID=B/1.2.3")" ../../Microsoft.Default/1.2.3
ok "lead there" t test -d "$service/.query/PatientID=B/1.2.3/"
t mkdir "$service/two"
t cp "$tmp/in/1.dcm" "$service/two/"
is "another partition has its own" "$(t ls "$service/two/.query/PatientID=A")" 1.2.1
is "whose links stay in it" "$(t readlink "$service/two/.query/PatientID=A/1.2.1")" ../../1.2.1
is "and leaves the others alone" "$(matches PatientID=A)" "1.2.1 1.2.2"

is "it is not listed" "$(t ls -A "$service" "$partition" | grep -c query)" 0
is "nor found" "$(t find "$service" -name '.query*' | wc -l)" 0
for what in "mkdir $query/x" "touch $query/x" "touch $query/PatientID=A/x" "rm $query/PatientID=A/1.2.1" "rmdir $query/PatientID=A" \
	"mv $query/PatientID=A $query/PatientID=B" "ln -s x $query/y" "cp $tmp/in/1.dcm $query/PatientID=A/"; do
	like "${what%% *} is refused" "$(t $what 2>&1)" 'Operation not permitted|No such file|File exists'
done
is "nothing happened" "$(matches PatientID=A)" "1.2.1 1.2.2"

# What changes is seen at once, whoever did it, also from inside.
cd "$query/PatientID=A" || bail "no $query/PatientID=A"
is "from inside" "$(t ls | tr '\n' ' ')" "1.2.1 1.2.2 "
study 1.2.5 A 20250202 CT
t cp "$tmp/in/5.dcm" "$partition/"
is "a new study" "$(t ls | tr '\n' ' ')" "1.2.1 1.2.2 1.2.5 "
is "one that goes" "$(beside delete "$store" 1.2.1 >/dev/null 2>&1; t ls | tr '\n' ' ')" "1.2.2 1.2.5 "
cd / || exit 1

# More than a page of them, and others that come meanwhile.
mkdir "$tmp/many"
for ((i = 1; i <= 1200; i++)); do
	"$fsd" make "$tmp/many" 1 10 1 "2.25.7.$i"
	mv "$tmp/many/00001.dcm" "$tmp/many/$i.dcm"
done
t cp -r "$tmp/many" "$partition/"
is "each once" "$(t ls -U "$query/PatientID=P1" | sort -u | wc -l) $(t ls -U "$query/PatientID=P1" | wc -l)" "1200 1200"
is "in a pattern's" "$(t ls -U "$query/PatientID=P*" | sort -u | wc -l)" 1200
is "by what is not indexed" "$(t ls "$query/InstanceNumber=1/PatientID=P1" | wc -l)" 1200
"$fsd" make "$tmp/many" 1 10 1 2.25.8.1
is "one that comes meanwhile shifts nothing" "$(t python3 - "$query/PatientID=P1" "$tmp/many/00001.dcm" "$partition/late" <<'END'
import os, shutil, sys
names = []
with os.scandir(sys.argv[1]) as entries:
    for e in entries:
        names.append(e.name)
        if len(names) == 700:
            shutil.copy(sys.argv[2], sys.argv[3])
            shutil.rmtree(os.path.join(sys.argv[1], "../..", names[650]))
old = [n for n in names if n != "2.25.8.1"]
print(len(old), len(set(old)))
END
)" "1200 1200"
for ((i = 1; i <= 5000; i++)); do
	echo "$query/PatientID=X$i"
done | t xargs ls >/dev/null
is "thousands of questions later" "$(matches PatientID=A)" "1.2.2 1.2.5"
# Whoever has one open when the daemon ends leaves nothing behind in it (the sanitizer looks).
allow_log 'unmount .*is busy: detached'
ok "the daemon ends while one is open" bash -c "cd '$query/PatientID=P1' && exec 3<. && kill $daemon_pid &&
	timeout $patience tail --pid=$daemon_pid -f /dev/null"
wait "$daemon_pid"
is "cleanly" $? 0
daemon_pid=
done_testing
