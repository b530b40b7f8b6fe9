#!/bin/bash
# make-root.sh ROOT: makes a Debian trixie root file system with Swift 6 in ROOT, from this machine's Debian mirror.
# Debian has a Swift package since trixie. With a separate root file system, the tests also run on older releases.
set -euo pipefail
root=$1
export DEBIAN_FRONTEND=noninteractive
apt="-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -q -q"

# Lists the Debian archives that apt uses on this machine; security updates are in a separate archive.
indexes() { apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' | sort -u | awk '$2 == "Debian"'; }
[ -n "$(indexes)" ] || apt-get $apt update
command -v debootstrap >/dev/null || apt-get $apt install -y --no-install-recommends debootstrap
main=$(indexes | awk '$3 != "Debian-Security" { print $1; exit }')
security=$(indexes | awk '$3 == "Debian-Security" { print $1; exit }')
[ -n "$main" ] || { echo "apt has no Debian archive on this machine"; exit 1; }

rm -rf "$root"
debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg trixie "$root" "$main" >/dev/null
{
  echo "deb $main trixie main"
  echo "deb $main trixie-updates main"
  [ -z "$security" ] || echo "deb $security trixie-security main"
} >"$root/etc/apt/sources.list"
# Copies this machine's apt settings (proxy, validity checks).
apt-config dump | grep -iE '^Acquire::(http|https|Check|Retries|ForceIPv4)' | grep -v '""' >"$root/etc/apt/apt.conf.d/90host" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
# Excluded from unpacking: building, testing and formatting don't need these files, which are two thirds of the size.
{
  for path in usr/libexec/swift/lib/swift/embedded usr/libexec/swift/lib/swift_static \
    usr/libexec/swift/lib/swift/FrameworkABIBaseline usr/share/doc usr/share/man usr/share/locale usr/share/info; do
    echo "path-exclude=/$path/*"
  done
  for path in bin/lldb bin/lldb-\* bin/clangd bin/sourcekit-lsp bin/docc bin/repl_swift bin/swift-build-sdk-interfaces \
    lib/liblldb\* lib/libsourcekitdInProc.so lib/libLTO\* lib/libswiftGenericMetadataBuilder.so; do
    echo "path-exclude=/usr/libexec/swift/$path"
  done
} >"$root/etc/dpkg/dpkg.cfg.d/slim"
chroot "$root" apt-get $apt update
chroot "$root" apt-get $apt -o Dpkg::Options::=--force-unsafe-io install -y --no-install-recommends \
  swiftlang libc6-dev libstdc++-14-dev libssl-dev pkg-config >/dev/null
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
