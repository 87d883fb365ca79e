#!/bin/bash -p
# Started by Lambda as /opt/extensions/amber. An extension that does not start ends the init of the function (AWS, "Lambda
# Extensions API"), so whatever may be missing is looked for first; where Node cannot run, a stub in bash registers and
# idles. -p: BASH_ENV and functions of the environment are not read.
unset BASH_ENV ENV CDPATH GLOBIGNORE IFS
name=${0##*/}
home=$(cd -P "${BASH_SOURCE[0]%/*}/../amber" 2>/dev/null && pwd)
node=@NODE@
least_mb=@LEAST_MB@

# The level is the least that passes the filter of the platform, as in src/lambda/log-level.ts.
say() {
  local level=INFO now
  [[ ${AWS_LAMBDA_LOG_FORMAT^^} == JSON && ${AWS_LAMBDA_LOG_LEVEL^^} =~ ^(WARN|ERROR|FATAL)$ ]] && level=${AWS_LAMBDA_LOG_LEVEL^^}
  TZ=UTC printf -v now '%(%FT%TZ)T' -1
  printf '{"amber":"config","level":"%s","timestamp":"%s","schema":1,"armed":false,"where":"extension","error":"%s"}\n' "$level" "$now" "$1"
}

# What stands in the way of starting Node; nothing is printed if it can start.
obstacle() {
  [[ -f $home/extension.mjs ]] || { echo "extension.mjs is missing"; return; }
  [[ -x $node ]] || { echo "there is no Node at $node"; return; }
  (( ${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:-0} == 0 || ${AWS_LAMBDA_FUNCTION_MEMORY_SIZE:-0} >= least_mb )) 2>/dev/null || { echo "the function has less than $least_mb MB of memory"; return; }
  [[ $node == "$home"/* ]] || return
  # The loader itself tells whether every library is there in the version that is needed: AL2 has glibc 2.26, Node needs 2.28.
  local loader
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [[ -x $loader ]] || continue
    "$loader" --list "$node" >/dev/null 2>&1 || echo "the libraries of this runtime are too old for Node, or it has another architecture"
    return
  done
  echo "there is no loader of glibc"
}

# One request of the Extensions API; prints the head and the body of the answer.
ask() { # method path header body
  local fd
  exec {fd}<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API##*:}" || return 1
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n%s' "$1" "/2020-01-01/extension/$2" "$AWS_LAMBDA_RUNTIME_API" "$3" "${#4}" "$4" >&"$fd"
  cat_fd "$fd"
  exec {fd}>&-
}

cat_fd() { local line; while IFS= read -r -u "$1" line || [[ -n $line ]]; do printf '%s\n' "${line%$'\r'}"; done; }

# Ends only with the sandbox: a poll that fails is tried again after a pause.
stub() {
  local answer events idle identifier=
  for events in '["INVOKE","SHUTDOWN"]' '["SHUTDOWN"]'; do
    answer=$(ask POST register "Lambda-Extension-Name: $name" "{\"events\":$events}") || continue
    shopt -s nocasematch
    [[ $answer =~ lambda-extension-identifier:\ ?([0-9a-f-]+) ]] && { identifier=${BASH_REMATCH[1]}; break; }
  done
  shopt -u nocasematch
  exec {idle}<> <(:)
  while :; do
    answer=$(ask GET event/next "Lambda-Extension-Identifier: $identifier" '' 2>/dev/null)
    [[ $answer == *'"eventType"'*'"SHUTDOWN"'* ]] && exit 0
    [[ $answer == *'"eventType"'* ]] || read -r -t 1 -u "$idle"
  done
}

# What makes a program load or trust more than it was built with, and what is meant for the Node of the function.
unset LD_PRELOAD LD_AUDIT LD_LIBRARY_PATH GCONV_PATH LOCPATH NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_DEBUG \
  NODE_DEBUG_NATIVE NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS NODE_COMPILE_CACHE NODE_REPL_EXTERNAL_MODULE NODE_ICU_DATA NODE_PENDING_DEPRECATION NODE_USE_ENV_PROXY \
  OPENSSL_CONF OPENSSL_MODULES SSL_CERT_FILE SSL_CERT_DIR UV_THREADPOOL_SIZE

trap '' TERM HUP INT PIPE
reason=$(obstacle)
if [[ -n $reason ]]; then
  say "$reason; nothing is captured by the extension"
  stub
fi

trap - TERM HUP INT PIPE
# No flag here that changes how V8 compiles: see src/host/extension/settle.ts. One arena for all threads, and what is freed goes back (mallopt(3)).
export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
exec "$node" --max-old-space-size=96 --max-semi-space-size=1 --no-memory-reducer --v8-pool-size=1 "$home/extension.mjs" "$name"
