# events.sh: what the tests of events share.  Sourced, not run; brings lib.sh.
#
#   start_receiver NAME [PORT]   receiver.mjs; sets $port, and $pid_of[NAME]; its log is $tmp/NAME.log
#   kill_receiver NAME
#   mode NAME WORDS              what it does from now on; none: it takes all
#   taken NAME                   sequences it took, in their order, one a line, duplicates included
#   took NAME N                  has it taken N different ones?
#   last_is NAME N               has it taken N, as the last one?
#   make_many N [FIRST]          $tmp/many with N instances, of SOP UIDs 2.25.(10^9 + FIRST) ...
#   behind NAME                  changes it is behind, as status says

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq node perl
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
declare -A pid_of

start_receiver() {
	: >"$tmp/$1.out"
	touch "$tmp/$1.log"
	node "$srcdir/tests/events/receiver.mjs" "${2:-0}" "$tmp/$1.log" "$tmp/$1.mode" >"$tmp/$1.out" 2>&1 &
	pid_of[$1]=$!
	daemon_pids+=($!)
	wait_for "$patience" grep -q '^port' "$tmp/$1.out" || bail "no receiver: $(tail -n 3 "$tmp/$1.out")"
	port=$(sed -n 's/^port //p' "$tmp/$1.out")
}

kill_receiver() {
	kill -KILL "${pid_of[$1]}"
	wait "${pid_of[$1]}" 2>/dev/null
}

mode() {
	local name=$1
	shift
	echo "$*" >"$tmp/.mode"
	mv "$tmp/.mode" "$tmp/$name.mode"
}

taken() {
	jq -r 'select(.status == 200) | .events[].data.sequenceNumber' "$tmp/$1.log"
}

took() {
	[ "$(taken "$1" | sort -nu | wc -l)" -ge "$2" ]
}

last_is() {
	[ "$(taken "$1" | tail -n 1)" = "$2" ]
}

# Without what was told again: does each come after the one before?  Then the gaps.
disorder() {
	taken "$1" | awk -v want="$2" '
		$1 > max + 1 { print "gap before " $1 }
		$1 > max { max = $1 }
		END { if (max != want) print "ends at " max }' | head -n 5
}

make_many() {
	local first=${2:-0}
	make_dcm "$tmp/.one.dcm" SOPInstanceUID=2.25.1000000000 SeriesInstanceUID=2.25.77
	rm -rf "$tmp/many"
	mkdir -p "$tmp/many"
	perl -e 'my ($from, $to, $first, $n) = @ARGV; local $/; open my $f, "<:raw", $from; my $all = <$f>;
		for my $i ($first .. $first + $n - 1) { my $uid = "2.25." . (1000000000 + $i); (my $one = $all) =~ s/2\.25\.1000000000/$uid/g;
			open my $o, ">:raw", "$to/$i.dcm"; print $o $one; close $o }' "$tmp/.one.dcm" "$tmp/many" "$first" "$1"
}

import_many() {
	lake import --quiet "$store" "$tmp/many" || bail "cannot import"
}

behind() {
	lake status --json "$store" | jq -r --arg name "$1" '.receivers[] | select(.name == $name) | .behind'
}
