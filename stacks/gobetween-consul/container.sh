#!/bin/sh
# One container of a service, in the foreground: sh container.sh SERVICE. Its name and port come from the group.
# What a crash of this machine left of the same name goes first.
docker rm -f "$MUSTER_INSTANCE" >/dev/null 2>&1
# Word by word: DOCKER_FLAGS are several.
# shellcheck disable=SC2086
exec docker run --rm --name "$MUSTER_INSTANCE" -l proxied=true -p "127.0.0.1:$PORT:80" -e "SERVICE_80_NAME=$1" \
  -e "TEXT=$MUSTER_INSTANCE" $DOCKER_FLAGS "$WEB_IMAGE" sh -c '
    busybox mkdir -p /www && echo "$TEXT" > /www/test_service.html
    trap "exit 0" TERM INT
    httpd -f -p 80 -h /www & wait'
