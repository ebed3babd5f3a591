#!/bin/sh
# The rpm distributions' command, its words included, by Debian's.
update() { update-alternatives --quiet --altdir /etc/alternatives --admindir /var/lib/alternatives "$@"; }

if [ "$1" = --display ]; then
    shown=$(update "$@") || exit
    printf '%s\n' "$shown" | sed 's/ - \(auto\|manual\) mode$/ - status is \1./; s/^  link currently/ link currently/'
else
    update "$@"
fi
