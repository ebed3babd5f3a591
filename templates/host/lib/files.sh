# shellcheck shell=sh
# Live files: what was there before us, what is ours, how a file is replaced. All in one folder, /etc/postfix.
#
# /etc/mail-relay/before/NAME or NAME.absent       what was there before the first apply
# /etc/mail-relay/before/.first                    its time is that of the first apply
# /etc/mail-relay/before/.ours                     "DIGEST NAME" of everything we put there or are about to: the journal of intent
# /etc/mail-relay/before/.master/master.{base,cf}  master.cf without our edits and with them, of the last apply
# /var/lib/mail-relay/{applied,previous}           the generation in force, and the one before it

# The extensions of compiled tables. (.dir and .pag belong to types that cannot be a default.)
compiled_extensions='db cdb lmdb'

# Is the live file of a generation of ours? 2 when that cannot be found out.
is_ours() {
    [ -f "$before/.ours" ] || return 1
    sum=$(digest "$postfix_dir/$1") || return 2
    # In the shell alone: a grep that dies would say no.
    while read -r line; do [ "$line" != "$sum $1" ] || return 0; done <"$before/.ours"
    return 1
}

# --- before ---

make_before() {
    [ -d "$settings" ] || mkdir -m 0755 "$settings" || return 1
    [ -d "$before" ] || mkdir -m 0700 "$before"
}

# Version 0.1.0 kept it in /var.
move_before() {
    [ -d "$state/before" ] || [ -e "$state/services" ] || return 0
    if [ ! -d "$before" ]; then
        [ -d "$settings" ] || mkdir -m 0755 "$settings" || return 1
        rm -rf "$before.new"
        if [ -d "$state/before" ]; then
            cp -a -- "$state/before" "$before.new" && touch -r "$state/before" "$before.new/.first"
        else
            mkdir "$before.new"
        fi || return 1
        for name in services alternative enabled ours reported acknowledged; do
            [ ! -f "$state/$name" ] || cp -a -- "$state/$name" "$before.new/.$name" || return 1
        done
        chmod 0700 "$before.new" && sync && mv -- "$before.new" "$before" || return 1
    fi
    rm -rf "$state/before"
    for name in alternative enabled ours reported acknowledged services; do rm -f "$state/$name"; done
}

# Has an apply put anything in the place of what was there?
has_before() { set -- "$before"/* && exists "$1"; }

# Keeps what is at /etc/postfix/$1 now, once. cp -a, because a link shall come back as a link, and one rename, so that a half
# copy is never taken for a whole one.
keep_before() {
    if exists "$before/$1" || [ -e "$before/$1.absent" ]; then return 0; fi
    make_before || return 1
    [ -e "$before/.first" ] || : >"$before/.first" || return 1
    if exists "$postfix_dir/$1"; then
        rm -f -- "$before/.$1.new"
        cp -a -- "$postfix_dir/$1" "$before/.$1.new" && sync_file "$before/.$1.new" &&
            mv -f -- "$before/.$1.new" "$before/$1"
    else
        : >"$before/$1.absent"
    fi
}

# Is /etc/postfix/$1 what it was before us? (A relative link leads nowhere from where it is kept.)
is_before() {
    if [ -L "$before/$1" ]; then
        [ -L "$postfix_dir/$1" ] && [ "$(readlink "$postfix_dir/$1")" = "$(readlink "$before/$1")" ]
    else
        same "$postfix_dir/$1" "$before/$1"
    fi
}

# Is there anything by this name, be it a link that leads nowhere?
exists() { [ -e "$1" ] || [ -L "$1" ]; }

# --- ours ---

# Writes down that the generation in folder $1 is about to become live.
intend() {
    make_before && list=$(digests "$1") || return 1
    if [ -f "$before/.ours" ]; then list="$list
$(cat "$before/.ours")" || return 1; fi
    put_ours "$list"
}

# Makes the lines $1 the list of digests. /etc may be read-only, and then an apply that changes nothing in it must succeed.
put_ours() {
    list=$(printf '%s\n' "$1" | sort -u) || return 1
    if [ -f "$before/.ours" ] && [ "$list" = "$(cat "$before/.ours")" ]; then return 0; fi
    printf '%s\n' "$list" >"$before/.ours.new" && sync_file "$before/.ours.new" && mv -f "$before/.ours.new" "$before/.ours"
}

# Keeps master.cf of the generation in folder $1 without our edits and with them.
keep_master() {
    if same "$1/master.base" "$before/.master/master.base" && same "$1/master.cf" "$before/.master/master.cf"; then return 0; fi
    rm -rf "$before/.master.new" && mkdir "$before/.master.new" && cp -- "$1/master.base" "$1/master.cf" "$before/.master.new/" &&
        rm -rf "$before/.master" && mv -- "$before/.master.new" "$before/.master"
}

# After success only the generations that are kept are ours.
forget() {
    list=$(digests "$state/applied" && digests "$state/previous") || return 1
    # Nobody edits a file in a folder that is read-only.
    put_ours "$list" || [ ! -w "$before" ]
}

digests() {
    [ -f "$1/manifest" ] || return 0
    found=$(sums_of "$1") || return 1
    # shellcheck disable=SC2086  # words on purpose
    set -- $found
    while [ $# -gt 0 ]; do
        # Between the switch and the restart the table of passwords holds those of the old smarthost, too.
        echo "$1 ${2%.both}" || return 1
        shift 2
    done
}

# The digests of the files of the generation in folder $1, in the order of its manifest, and of what else is named; fails where one
# is missing.
sums_of() {
    generation=$1 also=${2:-}
    set --
    while read -r name _; do set -- "$@" "$name"; done <"$generation/manifest"
    [ ! -f "$generation/sasl_passwd.both" ] || set -- "$@" sasl_passwd.both
    # shellcheck disable=SC2086  # words on purpose
    set -- "$@" $also
    sums "$generation" "$@"
}

# What file 'info' of the generation in folder $1 says of $2: time, package, postfix or unit.
info() {
    [ -f "$1/info" ] || return 1
    while read -r word value; do
        if [ "$word" = "$2" ]; then echo "$value"; fi
    done <"$1/info"
}

# Are the credentials of the generation in folder $1 those that a smarthost refused, so that the old ones stay? (see trial.sh)
were_refused() {
    [ -f "$state/refused" ] && [ -f "$1/sasl_passwd" ] && ! same "$1/sasl_passwd" "$postfix_dir/sasl_passwd" || return 1
    read -r refused_digest <"$state/refused"
    [ "$(digest "$1/sasl_passwd")" = "$refused_digest" ]
}

# The first refusal: sets refused_by, refused_keys and refused_words.
read_refusal() {
    refused_by=$(sed -n 2p "$state/refused" | cut -f 1) refused_keys=$(sed -n 2p "$state/refused" | cut -f 2)
    refused_words=$(sed -n 2p "$state/refused" | cut -f 3)
}

# --- replacing ---

sync_file() { sync -- "$1" 2>/dev/null || sync; }

# Puts a copy of $1 beside /etc/postfix/$2, ready to be renamed. Nothing live changes.
make_ready() {
    ready=$postfix_dir/.$2.mail-relay
    rm -f -- "$ready"
    cp -p -- "$1" "$ready" && chown 0:0 "$ready" && sync_file "$ready" || {
        rm -f -- "$ready"
        warn "cannot write into $postfix_dir: is the disk full, or mounted read-only?"
        return 1
    }
}

# The rename that makes it live.
make_live() {
    mv -f -- "$postfix_dir/.$1.mail-relay" "$postfix_dir/$1" || return 1
    # SELinux: a file that came by rename keeps the label of where it was made.
    if have restorecon; then restorecon "$postfix_dir/$1" 2>/dev/null; fi
    return 0
}

# Who may read how to ask a database: the processes of Postfix that ask it.
postfix_group() { id -g "$(postconf -dh mail_owner)"; }

drop_ready() {
    for ready in "$postfix_dir"/.*.mail-relay; do
        if exists "$ready"; then rm -f -- "$ready"; fi
    done
}

# An administrator's edit of a file that we are about to replace is kept beside it.
save_edit() {
    [ -f "$postfix_dir/$1" ] || return 0
    saved=$postfix_dir/$1.saved-$(date +%Y%m%dT%H%M%S)
    [ ! -e "$saved" ] || saved=$saved-$$
    # Not under its name before it is whole. A run that was killed may have kept this very edit already.
    for earlier in "$postfix_dir/$1".saved-*; do
        if same "$postfix_dir/$1" "$earlier"; then return 0; fi
    done
    rm -f -- "$postfix_dir/.$1.mail-relay"
    keep=-p
    # A copy of a password is root's and closed, whatever its original was.
    ! has_line "$(secret_names)" "$1" || keep=--no-preserve=all
    cp "$keep" -- "$postfix_dir/$1" "$postfix_dir/.$1.mail-relay" &&
        { [ "$keep" = -p ] || chmod 0600 "$postfix_dir/.$1.mail-relay"; } && sync_file "$postfix_dir/.$1.mail-relay" &&
        mv -f -- "$postfix_dir/.$1.mail-relay" "$saved" || return 1
    say "$postfix_dir/$1 was changed since the last apply; that version is kept as $saved"
}

# The files with passwords in /etc/postfix.
secret_names() {
    echo sasl_passwd
    [ ! -f "$state/applied/manifest" ] || sed -n 's/ secret$//p; s/ database$//p' "$state/applied/manifest"
}

# The copies of edits of the files $1, a name on each line.
saved_copies() {
    for name in $1; do
        for saved in "$postfix_dir/$name".saved-*; do
            if [ -f "$saved" ] && [ ! -L "$saved" ]; then echo "$saved"; fi
        done
    done
}

# Earlier versions kept the mode of the original.
close_saved_copies() { for saved in $(saved_copies "$(secret_names)"); do chown 0:0 "$saved" && chmod 0600 "$saved"; done; }

# Gives /etc/postfix/$1 back as it was before us. Where there is nothing to give back, nothing is done.
restore() {
    if [ -e "$before/$1.absent" ]; then
        rm -f -- "$postfix_dir/$1"
    elif exists "$before/$1" && [ -d "$postfix_dir" ]; then
        rm -f -- "$postfix_dir/.$1.mail-relay"
        cp -a -- "$before/$1" "$postfix_dir/.$1.mail-relay" && sync_file "$postfix_dir/.$1.mail-relay" && make_live "$1"
    fi
}

# The entries of the table $2 whose keys the table $1 lacks.
lines_without() { awk 'FILENAME == ARGV[1] { seen[$1]; next } /^[^# \t]/ && !($1 in seen)' "$1" "$2"; }

extension() {
    case $database_type in
    hash | btree) echo db ;;
    *) echo "$database_type" ;;
    esac
}

# The names of a source and of every table that could have been compiled from it.
with_compiled() {
    echo "$1"
    case $2 in
    indexed | alias | secret) for extension in $compiled_extensions; do echo "$1.$extension"; done ;;
    esac
}
