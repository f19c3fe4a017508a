#!/usr/bin/env bash
# Makes sure that the binaries of a PostgreSQL server are there.  Tests start a private
# cluster of their own from them; no system cluster is made or started.
set -euo pipefail

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

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "services: no PostgreSQL server here, tests that need one are skipped;" >&2
  echo "services: install the package postgresql, or set HOMEOSTAT_TEST_POSTGRES_URL" >&2
  exit 0
fi

# Read by postgresql-common when the server is installed: no cluster `main`.
mkdir -p /etc/postgresql-common
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql
echo "services: $("$(initdb)" --version)"
