#!/bin/bash
# The mount behind servers that export it again: Samba, and NFS by Ganesha, with clients of theirs.
. "$(dirname "$0")/mount.sh"
[ "$(id -u)" -eq 0 ] || skip_all "the servers need root"

make_files "$tmp/in" 30 20000
echo "no DICOM" >"$tmp/broken"
start_mount
t cp "$tmp"/in/*[1-9].dcm "$partition/"
path=AHDS/default/dicom/dicom/Microsoft.Default
one=2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm
ten=2.25.4242/2.25.4242.1/2.25.4242.9.10.dcm
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
server_ends() { ! kill -0 "$1" 2>/dev/null; }
stop_server() {
	kill "$1"
	wait_for "$patience" server_ends "$1" || kill -9 "$1"
	wait "$1" 2>/dev/null
}

samba() {
	local port pid
	port=$(free_port)
	mkdir -p "$tmp/smb/private" "$tmp/smb/state"
	cat >"$tmp/smb/conf" <<-CONF
		[global]
		private dir = $tmp/smb/private
		lock directory = $tmp/smb/state
		state directory = $tmp/smb/state
		cache directory = $tmp/smb/state
		pid directory = $tmp/smb/state
		ncalrpc dir = $tmp/smb/state
		log file = $tmp/smb/log
		map to guest = bad user
		guest account = root
		smb ports = $port
		disable netbios = yes
		load printers = no
		interfaces = 127.0.0.1
		bind interfaces only = yes
		[lake]
		path = $mnt
		guest ok = yes
		writable = yes
	CONF
	smbd --foreground -s "$tmp/smb/conf" >"$tmp/smb/out" 2>&1 &
	pid=$!
	wait_for "$patience" listens "$port" || { skip "Samba" "smbd does not start: $(tail -n 1 "$tmp/smb/log" "$tmp/smb/out")"; return; }
	smb() { (cd "$tmp" && t smbclient -s "$tmp/smb/conf" -p "$port" -N //127.0.0.1/lake -D "$path" -c "$1" 2>&1); }
	is "Samba lists all" "$(smb "ls 2.25.4242/2.25.4242.1/*" | grep -c 'dcm ')" 27
	smb "get $one got.dcm" >/dev/null
	ok "reads" cmp "$tmp/got.dcm" "$tmp/in/00001.dcm"
	smb "put in/00010.dcm ten" >/dev/null
	ok "takes in" cmp "$partition/$ten" "$tmp/in/00010.dcm"
	ok "says so when a file is refused" grep -q NT_STATUS_INVALID_PARAMETER <(smb "put broken broken")
	smb "cd $(dirname "$ten"); rm $(basename "$ten")" >/dev/null
	ok "and removes" not test -e "$partition/$ten"
	stop_server "$pid"
}

nfs() {
	local port pid plugins=
	port=$(free_port)
	plugins=$(dirname "$(find /usr/lib -name libfsalvfs.so -print -quit)")
	cat >"$tmp/ganesha.conf" <<-CONF
		NFS_CORE_PARAM { NFS_Port = $port; Protocols = 4; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Plugins_Dir = $plugins; }
		NFSV4 { Graceless = true; RecoveryRoot = $tmp/ganesha; }
		EXPORT { Export_Id = 7; Path = $mnt; Pseudo = /lake; Access_Type = RW; Squash = No_Root_Squash; SecType = sys; Protocols = 4; Transports = TCP; Filesystem_id = 7.7; FSAL { Name = VFS; } }
	CONF
	mkdir "$tmp/ganesha"
	ganesha.nfsd -F -f "$tmp/ganesha.conf" -L "$tmp/ganesha.log" -p "$tmp/ganesha.pid" &
	pid=$!
	wait_for "$patience" listens "$port" || { skip "NFS" "Ganesha does not start: $(tail -n 1 "$tmp/ganesha.log" | cut -c 1-150)"; return; }
	at() { echo "nfs://127.0.0.1/lake/$path/$1?nfsport=$port&version=4"; }
	is "NFS lists all" "$(t nfs-ls "$(at 2.25.4242/2.25.4242.1)" | grep -c 'dcm$')" 27
	ok "reads" cmp <(t nfs-cat "$(at "$one")") "$tmp/in/00001.dcm"
	sync
	echo 2 2>/dev/null >/proc/sys/vm/drop_caches
	ok "also when the kernel has forgotten it" cmp <(t nfs-cat "$(at "$one")") "$tmp/in/00001.dcm"
	is "and what is not listed" "$(t nfs-cat "$(at "${one%.dcm}.json")")" "$(cat "$partition/${one%.dcm}.json")"
	t cp "$tmp/in/00010.dcm" "$partition/"
	ok "what comes in by the mount is there" cmp <(t nfs-cat "$(at "$ten")") "$tmp/in/00010.dcm"
	stop_server "$pid"
}

if command -v smbd >/dev/null && command -v smbclient >/dev/null; then
	samba
else
	skip "Samba" "no smbd, or no smbclient"
fi
if command -v ganesha.nfsd >/dev/null && command -v nfs-cat >/dev/null; then
	nfs
else
	skip "NFS" "no ganesha.nfsd, or no nfs-cat"
fi
allow_log 'refused door=mount'
done_testing
