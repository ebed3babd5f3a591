# shellcheck shell=sh
# Does systemd run this root? In a chroot the builder's /run may be mounted (Anaconda does), and systemctl reports every unit as active.
# The maintainer scripts of all formats contain this function.
in_system() {
    [ -d /run/systemd/system ] && [ -e /proc/self ] && command -v systemctl >/dev/null || return 1
    [ ! -e /proc/1/comm ] || [ "$(cat /proc/1/comm)" = systemd ] || return 1
    # A sandboxed unit cannot see the root folder of process 1.
    # shellcheck disable=SC3013  # every sh of the supported systems has -ef
    [ ! -e /proc/1/root ] || [ / -ef /proc/1/root ]
}
