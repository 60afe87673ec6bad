#!/bin/sh
# Makes a database cluster in an empty volume, then becomes PostgreSQL. Asks for POSTGRES_USER, for POSTGRES_PASSWORD or
# POSTGRES_PASSWORD_FILE, and takes POSTGRES_DB, which is the user's name otherwise.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data

if [ ! -d "$data" ]; then
    : "${POSTGRES_USER:?is not set}"
    database=${POSTGRES_DB:-$POSTGRES_USER}
    new=$data.new
    rm -rf "$new" # of a start that was killed
    if [ -z "${POSTGRES_PASSWORD_FILE:-}" ]; then
        : "${POSTGRES_PASSWORD:?is not set, nor is POSTGRES_PASSWORD_FILE}"
        POSTGRES_PASSWORD_FILE=/tmp/password
        (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$POSTGRES_PASSWORD_FILE")
    fi
    "$bin/initdb" --pgdata="$new" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C
    printf 'host all all all scram-sha-256\n' >>"$new/pg_hba.conf"
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE "%s";\n' "$database" | "$bin/postgres" --single -D "$new" -c dynamic_shared_memory_type=mmap postgres
    fi
    rm -f /tmp/password
    mv "$new" "$data"
fi
unset POSTGRES_PASSWORD

exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql \
    -c dynamic_shared_memory_type=mmap -c jit=off "$@"
