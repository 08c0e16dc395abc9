#!/bin/sh
# Installs the Debian packages named as arguments without letting their services start: the benchmark starts and
# stops every server itself, on loopback. What is installed already stays as it is. Needs root.
set -eu

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-upgrade --no-install-recommends "$@"
