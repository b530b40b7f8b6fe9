#!/bin/bash
# run-inside.sh ROOT FOLDER AUTHORITY COMMAND...: runs COMMAND in ROOT, with FOLDER at its own path and AUTHORITY
# (PEM) as the only certificate authority that the root trusts. Variables that begin with COUNTERSIGN_ go along.
# The mounts are private to this command, so nothing is left behind.
set -euo pipefail
exec unshare --mount --propagation private bash -euc '
  root=$1 folder=$2 authority=$3; shift 3
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount --bind "$authority" "$root/etc/ssl/certs/ca-certificates.crt"
  variables=$(env | grep "^COUNTERSIGN_" || true)
  mapfile -t variables <<<"$variables"
  exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${variables[@]:-UNUSED=}" \
    bash -euc "cd \"\$1\"; shift; exec \"\$@\"" bash "$folder" "$@"' bash "$@"
