#!/usr/bin/env bash
# Makes sure that what fault tests break things with is there, strace and faketime, and the
# binaries of a PostgreSQL server.  Tests start a private cluster of their own from them; no
# system cluster is made or started.
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive

may_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

root=()
if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  root=(sudo -n)
fi

for tool in strace faketime; do
  if command -v "$tool" >/dev/null; then
    continue
  fi
  if ! command -v apt-get >/dev/null || { ! may_install && [ ${#root[@]} = 0 ]; }; then
    echo "services: no $tool here, tests that need it are skipped; install it" >&2
    continue
  fi
  "${root[@]}" apt-get update -qq
  "${root[@]}" apt-get install -y -qq --no-install-recommends "$tool"
done
echo "services: $(command -v strace faketime | tr '\n' ' ')"

initdb() {
  ls -1 /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1
}

if [ -n "${HOMEOSTAT_TEST_POSTGRES_URL:-}" ]; then
  echo "services: tests use the server of HOMEOSTAT_TEST_POSTGRES_URL"
  exit 0
fi

if [ -n "$(initdb)" ]; then
  echo "services: $("$(initdb)" --version)"
  exit 0
fi

if ! may_install; then
  echo "services: no PostgreSQL server here, tests that need one are skipped;" >&2
  echo "services: install the package postgresql, or set HOMEOSTAT_TEST_POSTGRES_URL" >&2
  exit 0
fi

# Read by postgresql-common when the server is installed: no cluster `main`.
mkdir -p /etc/postgresql-common
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql
echo "services: $("$(initdb)" --version)"
