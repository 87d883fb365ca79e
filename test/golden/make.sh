#!/usr/bin/env bash
# Makes the golden captures of one commit: `test/golden/make.sh COMMIT FOLDER`, as root. Each is made by withCapture of that
# commit, in namespaces of its own, so that nothing of the machine is in it. What is made once is kept for ever.
set -euo pipefail
cd "$(dirname "$0")/../.."
commit=$(git rev-parse --short "$1") out=$(realpath -m "$2") work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git archive "$commit" src package.json | tar -x -C "$work"
cp test/golden/handler.mjs "$work/"
modules=$(realpath node_modules)
# What tells of the machine, and not of the function, as far as that commit knows of it.
without=-procfs
for name in sockets descriptors memory runtime recovered system served executables code systeminformation; do
  if grep -rqE "(^| |\[)'?$name'?[,:]|name: '$name'" "$work"/src/config* "$work"/src/collect; then without+=,-$name; fi
done

capture() { # NAME VARIABLE=VALUE…
  local name=$1
  shift
  mkdir -p "$out/$name"
  unshare -mpfnu --mount-proc bash -euc '
    work=$1 modules=$2 out=$3
    shift 3
    hostname sandbox
    for folder in /mnt /opt /srv; do mount -t tmpfs tmpfs $folder; done
    mkdir /mnt/out /opt/bin /srv/task /srv/task/node_modules
    mount --bind "$out" /mnt/out
    cp -r "$work"/. /srv/task
    cp "$modules/node/bin/node" /opt/bin/node
    mount --bind "$modules" /srv/task/node_modules
    for folder in /tmp /dev/shm; do mount -t tmpfs tmpfs $folder; done
    cd /srv/task
    exec env -i "$@" PATH=/opt/bin /opt/bin/node --disable-warning=ExperimentalWarning handler.mjs
  ' - "$work" "$modules" "$out/$name" AWS_LAMBDA_FUNCTION_NAME=checkout AWS_REGION=eu-central-1 \
    AMBER_CAPTURE=now AMBER_DESTINATION=file:///mnt/out \
    AMBER_COLLECT="$without" DB_PASSWORD=correct-horse-battery \
    "$@" >"$out/$name/log.txt" || [ "$name" = cut ]
}

capture plain
capture gzip AMBER_COMPRESSION=gzip
capture age AMBER_RECIPIENT=age1x20pnhamx9jmkz0q4d52x05qgpl6j6c5v422ltxnglypqy5swqhs0es57w
capture partial AMBER_MAX_BYTES=200000
capture cut AMBER_SEGMENT_BYTES=65536 GOLDEN_KILL=1
{
  echo "commit $commit of $(git show -s --format=%cs "$commit"), made by test/golden/make.sh on Node $(node_modules/.bin/node -p process.version)"
} >"$out/made.txt"
