#!/usr/bin/env bash
# One Ceph object gateway for tests, on the loopback, in memory: a monitor, an OSD that keeps its objects in RAM, radosgw.
# usage: radosgw.sh DIR GATEWAY_PORT MONITOR_PORT   DIR is empty and belongs to the user that runs this, who is not root
# Prints `ready` when the gateway answers. Stops everything when its standard input is closed or it is told to end.
set -u
dir=$1 gateway_port=$2 monitor_port=$3
cd "$dir" || exit 1
umask 077
mkdir -p mon osd rgw run
children=()

stop() {
  trap - EXIT TERM INT HUP
  # The OSD does not always hear SIGTERM, and nothing here is worth a clean end.
  for child in "${children[@]}"; do kill -9 "$child" 2>/dev/null; done
  cd / && rm -rf "$dir"
  exit "${1:-0}"
}
trap 'stop 0' TERM INT HUP
trap 'stop 1' EXIT

fail() {
  echo "failed: $1" >&2
  tail -n 5 ./*.out >&2 2>/dev/null
  stop 1
}

fsid=$(cat /proc/sys/kernel/random/uuid)
cat > ceph.conf <<CONF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$monitor_port]
mon initial members = a
public addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 1
osd pool default pgp num = 1
mon allow pool size one = true
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 1073741824
run dir = $dir/run
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
log file = $dir/\$name.log
[mon.a]
mon data = $dir/mon
[osd.0]
osd data = $dir/osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$gateway_port
rgw data = $dir/rgw
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = amber-key=$(head -c 32 /dev/urandom | base64 -w0)
CONF

start() {
  local out=$1
  shift
  "$@" >>"$out" 2>&1 </dev/null &
  children+=($!)
  disown $! # so that bash does not report its end
}

ask() { timeout 10 ceph -c ceph.conf "$@" 2>/dev/null; }

monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor_port]" monmap >mon.out 2>&1 || fail 'monmaptool'
ceph-mon -i a --mkfs --monmap monmap -c ceph.conf >>mon.out 2>&1 || fail 'ceph-mon --mkfs'
start mon.out ceph-mon -i a -c ceph.conf -f

osd_uuid=$(cat /proc/sys/kernel/random/uuid)
registered=
for _ in 1 2 3 4 5 6; do ask osd new "$osd_uuid" >/dev/null && registered=1 && break; sleep 0.5; done
[ -n "$registered" ] || fail 'the monitor does not answer'
ceph-osd -i 0 --mkfs --osd-uuid "$osd_uuid" -c ceph.conf >>osd.out 2>&1 || fail 'ceph-osd --mkfs'

start osd.out ceph-osd -i 0 -c ceph.conf -f
up=
for _ in $(seq 60); do
  case $(ask osd stat) in *' 1 up'*) up=1; break ;; esac
  # An OSD of memstore sometimes exits at its first start ("wrong fsid"); the next start succeeds.
  kill -0 "${children[-1]}" 2>/dev/null || start osd.out ceph-osd -i 0 -c ceph.conf -f
  sleep 0.3
done
[ -n "$up" ] || fail 'the OSD does not come up'

start rgw.out radosgw -c ceph.conf -n client.rgw -f
ready=
for _ in $(seq 300); do
  (exec 3<>"/dev/tcp/127.0.0.1/$gateway_port") 2>/dev/null && ready=1 && break
  kill -0 "${children[-1]}" 2>/dev/null || fail 'radosgw ended'
  sleep 0.1
done
[ -n "$ready" ] || fail 'radosgw does not answer'

echo ready
while read -r _; do :; done
stop 0
