# setup.sh: what quickstart, tests/run and .ci/run share.  Sourced.
#
# The Debian packages, each named once, and installed by apt when missing.

packages_build="autoconf automake make gcc g++ libc6-dev pkg-config liblmdb-dev libzstd-dev
	zlib1g-dev libxxhash-dev libssl-dev libcurl4-openssl-dev libjansson-dev libutf8proc-dev libfuse3-dev liburing-dev
	libcivetweb-dev libdcmtk-dev dcmtk libjpeg62-turbo-dev libpng-dev libcharls-dev
	libopenjp2-7-dev
	libarchive-dev"
packages_run="fuse3 curl"
packages_test="libcmocka-dev chromium jq mandoc perl attr xxd procps rsync
	libopenjp2-tools openjph-tools python3 python3-yaml zstd
	zip bzip2 xz-utils openssl iproute2"
packages_ci="clang samba smbclient nfs-ganesha-vfs libnfs-utils vim nano zip unzip less python3-pydicom"

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$0: $*"
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "not root, and no sudo: please run as root: $*"
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 install "$@" </dev/null >"$setup_log" 2>&1
}

# need_packages NAME...: nothing is asked of apt when all are there.
need_packages() {
	local name missing=()
	for name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "please install: ${missing[*]}"
	say "installing ${missing[*]}"
	setup_log=$(mktemp)
	# The lists may be missing or stale: fetch them when an install fails.
	apt_install "${missing[@]}" || {
		as_root apt-get -qq update </dev/null >>"$setup_log" 2>&1
		apt_install "${missing[@]}"
	} || {
		tail -n 20 "$setup_log" >&2
		rm -f "$setup_log"
		die "apt could not install ${missing[*]}"
	}
	rm -f "$setup_log"
}

# build_in SOURCE BUILD [CONFIGURE-OPTIONS]: configures once for the same options, and
# without any keeps a configuration that is there.  The output lies in BUILD.log.
build_in() {
	local source=$1 build=$2 log=$2.log options
	shift 2
	options="$source $*"
	if [ ! -x "$source/configure" ] || [ "$source/configure.ac" -nt "$source/configure" ]; then
		(cd "$source" && autoreconf -fi) >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
	fi
	mkdir -p "$build" || return 1
	if [ ! -e "$build/Makefile" ] ||
		{ [ $# -gt 0 ] && [ "$(cat "$build/.options" 2>/dev/null)" != "$options" ]; }; then
		(cd "$build" && "$source/configure" "$@") >"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
		printf '%s\n' "$options" >"$build/.options"
	fi
	make -C "$build" -s -j"$(nproc)" all >>"$log" 2>&1 || { tail -n 20 "$log" >&2; return 1; }
}
