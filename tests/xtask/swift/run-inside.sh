#!/bin/bash
# run-inside.sh ROOT FOLDER COMMAND...: runs COMMAND in the root file system ROOT, with FOLDER mounted at the same path.
# Environment variables that begin with COUNTERSIGN_ are passed on. The mounts are private to COMMAND and end with it.
set -euo pipefail
exec unshare --mount --propagation private bash -euc '
  root=$1 folder=$2; shift 2
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  variables=$(env | grep "^COUNTERSIGN_" || true)
  mapfile -t variables <<<"$variables"
  exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "${variables[@]:-UNUSED=}" \
    bash -euc "cd \"\$1\"; shift; exec \"\$@\"" bash "$folder" "$@"' bash "$@"
