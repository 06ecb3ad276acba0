#!/bin/sh
# Makes the secrets of the composition in a folder: 32 random bytes as the master key, a
# password for the database, and the URL with it. What is there already stays: a new
# master key would open nothing that the old one has sealed.
set -eu
umask 077

folder=$1
reader=${2-65532:65532}
database=${3-postgres:5432}

# made NAME OWNER keeps what standard input says under a name, whole or not at all.
made() {
	rm -f "$folder/.$1" # of a start that was killed: it can not be written to, not even by root without its rights
	cat >"$folder/.$1"
	chmod 400 "$folder/.$1"
	chown "$2" "$folder/.$1"
	mv "$folder/.$1" "$folder/$1"
	echo "made $1"
}

# random BYTES in base64, in one line.
random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

# PostgreSQL reads its password as root, Lanyard the other two as its own user.
chmod 755 "$folder"
[ -s "$folder/master.key" ] || random 32 | made master.key "$reader"
[ -s "$folder/database.password" ] || random 33 | tr '+/' '-_' | made database.password "$(id -u):$(id -g)"
[ -s "$folder/database.url" ] ||
	printf 'postgres://lanyard:%s@%s/lanyard?sslmode=disable' "$(cat "$folder/database.password")" "$database" | made database.url "$reader"
