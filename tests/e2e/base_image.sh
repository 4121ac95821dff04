#!/usr/bin/env bash
# Prints the name of a base image for the Dockerfile. That is $1 where podman has it or can pull it. Where no registry can
# be reached, it is a stand-in of Debian's own Python 3.11 (debootstrap, as root), with what the official image has: pip,
# the Python headers, certificates, time zones.
set -euo pipefail

official=$1
stand_in=localhost/maskline-stand-in-base:bookworm

if podman image exists "$official" || podman pull --quiet "$official" >&2; then
    echo "$official"
    exit
fi
if ! podman image exists "$stand_in"; then
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    packages=python3,python3-pip,python3-venv,ca-certificates,netbase,tzdata
    debootstrap --variant=minbase --include="$packages" bookworm "$root" >&2
    # The headers alone: the package that carries them would bring a compiler's libraries along.
    chroot "$root" sh -c 'cd /tmp && apt-get download --quiet libpython3.11-dev' >&2
    dpkg --fsys-tarfile "$root"/tmp/*.deb | tar --directory "$root" --extract ./usr/include
    rm -rf "$root"/tmp/*.deb "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
    tar --directory "$root" --create . | podman import --quiet - "$stand_in" >&2
fi
echo "$stand_in"
