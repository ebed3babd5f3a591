# shellcheck shell=sh
# OAuth2 (RFC 6749): access tokens in place of a password, for smarthosts with auth = xoauth2. One is fetched when the last one is about
# to expire, and laid where the SASL plugin sasl-xoauth2 finds it: sasl_passwd has a path for a password. The plugin could fetch them
# itself; but then it would have to hold what it fetches them with, as Postfix's user, and nobody would hear of a dead refresh token
# before mail waits.
#
# $state/oauth2/NAME/   login (digest of what it was fetched with), access_token, renew and expires (seconds since 1970),
#                       refresh_token (where the provider gave a newer one), fault (why the last attempt failed), fault_mend (what to do)

token_state=$state/oauth2
# 1 when one could not be renewed that still holds.
tokens_failed=0
# 1 when mail may wait for what is fetched now.
tokens_awaited=0

# Fetches what is due for the smarthosts $token_hosts, by the names of their keys.
fetch_tokens() {
    # Whoever looks takes what is there.
    [ -n "$token_hosts" ] && [ "${asking:-no}" = yes ] || return 0
    [ -d "$token_state" ] || mkdir -m 0700 "$token_state" || { warn "cannot write into $state: is the disk full?"; return 1; }
    for key in $token_hosts; do fetch_token "$key" || return; done
}

fetch_token() {
    login=$taken/login of=$token_state/$1
    rm -rf "$login" && mkdir -m 0700 "$login" || return 1
    read_env login "$1" "$login" || return 2
    if [ ! -f "$login/client_id" ]; then rm -rf "$of"; return 0; fi
    mkdir -p "$of"
    endpoint_of "$1"
    printf '%s' "$endpoint $scope $app_scope" >"$login/endpoint" || return 1
    (cd "$login" && sha256sum -- *) | sha256sum >"$login.digest" || return 1
    # What another login was given is nothing to this one. What it is given replaces that when it is there.
    fresh=$of
    if ! same "$login.digest" "$of/login"; then
        fresh=$of.new
        same "$login.digest" "$fresh/login" || { rm -rf "$fresh" && mkdir -m 0700 "$fresh" && cp "$login.digest" "$fresh/login"; } || return 1
    fi
    if [ "$(date +%s)" -lt "$(number "$fresh/renew")" ]; then return 0; fi
    [ ! -s "$fresh/refresh_token" ] || cp "$fresh/refresh_token" "$login/refresh_token"
    if [ -e "$of/fault" ] || [ "$(date +%s)" -ge "$(number "$of/expires")" ]; then tokens_awaited=1; fi
    ask_for_token "$1"
    case $? in
    0)
        rm -f "$fresh/fault" "$fresh/fault_mend"
        [ "$fresh" = "$of" ] || { rm -rf "$of" && mv "$fresh" "$of"; }
        return
        ;;
    esac
    printf '%s\n' "$fault" >"$of/fault"
    if [ -n "$fault_mend" ]; then printf '%s\n' "$fault_mend" >"$of/fault_mend"; else rm -f "$of/fault_mend"; fi
    # A failed attempt can still have replaced the refresh token.
    [ -s "$of.new/refresh_token" ] || rm -rf "$of.new"
    told="$fault${fault_mend:+; mend: $fault_mend}"
    # A token that still holds is used; but what is wrong shall be known before mail waits.
    left=$(($(number "$of/expires") - $(date +%s)))
    if [ "$fresh" = "$of" ] && [ "$left" -gt 0 ] && [ -s "$of/access_token" ]; then
        warn "$told; the access token that is there holds for $left seconds"
        tokens_failed=1
        return 0
    fi
    warn "$told"
    return 1
}

# The number in file $1, or 0.
number() {
    case $(cat "$1" 2>/dev/null) in
    '' | *[!0-9]* | ?????????????*) echo 0 ;;
    *) cat "$1" ;;
    esac
}

# Sets endpoint, scope and app_scope of the smarthost with the key $1.
endpoint_of() {
    eval "endpoint=\$oauth2_endpoint_$1 scope=\$oauth2_scope_$1 app_scope=\$oauth2_app_scope_$1"
}

# Bytes of an answer that are read; a token of the known providers has less than 4,000.
answer_bytes=65536

# Values reach curl as files, never as arguments. Return code 1: $fault says why there is none, $fault_mend what to do. What the endpoint
# says is data: nothing of it becomes a fix.
ask_for_token() {
    fault='' fault_mend=''
    have curl || { fault='there is no curl(1) here to ask for an access token'; return 1; }
    set -- --data-urlencode "client_id@$login/client_id"
    [ ! -f "$login/client_secret" ] || set -- "$@" --data-urlencode "client_secret@$login/client_secret"
    if [ -f "$login/refresh_token" ]; then
        set -- "$@" -d grant_type=refresh_token --data-urlencode "refresh_token@$login/refresh_token"
        [ -z "$scope" ] || set -- "$@" --data-urlencode "scope=$scope"
    else
        [ -n "$app_scope" ] || { fault="$endpoint gives no access token without a refresh token" fault_mend="put RELAY_REFRESH_TOKEN into $relay_env"; return 1; }
        set -- "$@" -d grant_type=client_credentials --data-urlencode "scope=$app_scope"
    fi
    # No .curlrc: its owner may have other wishes for other servers.
    {
        curl -q -sS --proto =https --max-time 30 -H 'Accept: application/json' "$@" "$endpoint" 2>"$login/said" 9>&-
        echo "$?" >"$login/ended"
    } | head -c "$((answer_bytes + 1))" >"$login/answer"
    if [ "$(size_of "$login/answer")" -gt "$answer_bytes" ]; then fault="no access token: the answer of $endpoint is longer than $answer_bytes bytes"; return 1; fi
    if [ "$(cat "$login/ended" 2>/dev/null)" != 0 ]; then
        fault="no access token: $(sed -n '1s/^curl: //p' "$login/said" | printable 300) ($endpoint)"
        return 1
    fi
    mkdir -p "$login/new" || return 1
    # In one line; a NUL becomes a character that no token has.
    { tr '\000-\037' ' ' <"$login/answer"; echo; } |
        awk -v names='error error_description access_token refresh_token expires_in' -v into="$login/new" -f "$lib/json_fields.awk" || return 1
    # First of all: the endpoint may have withdrawn the one that it was asked with.
    if [ -s "$login/new/refresh_token" ] && has_only '\040-\176' "$login/new/refresh_token"; then
        cp "$login/new/refresh_token" "$fresh/refresh_token.new" && mv -f "$fresh/refresh_token.new" "$fresh/refresh_token" || return 1
    fi
    if [ ! -s "$login/new/access_token" ]; then
        fault="no access token: $endpoint says: $(word_of error 100) $(word_of error_description 300)"
        case $(cat "$login/new/error") in
        invalid_grant) fault_mend='the refresh token is expired or revoked, so make a new one and put it in its place' ;;
        invalid_client | unauthorized_client) fault_mend='check RELAY_CLIENT_ID and RELAY_CLIENT_SECRET' ;;
        esac
        return 1
    fi
    if ! has_only 'A-Za-z0-9._~+/=-' "$login/new/access_token"; then fault="the access token of $endpoint holds characters that no token has"; return 1; fi
    seconds=$(cat "$login/new/expires_in")
    case $seconds in
    *[!0-9]* | ?????????*) seconds='' ;;
    # Arithmetic takes what begins with 0 for octal.
    0*) seconds=${seconds#"${seconds%%[!0]*}"} ;;
    esac
    seconds=${seconds:-3600}
    # A quarter of an hour before its end, for three attempts of the timer; at half of its time where it has less.
    early=900
    [ "$seconds" -ge 1800 ] || early=$((seconds / 2))
    now=$(date +%s)
    echo $((now + seconds - early)) >"$fresh/renew" && echo $((now + seconds)) >"$fresh/expires" || return 1
    mv "$login/new/access_token" "$fresh/access_token"
}

# Does file $2 hold nothing but the characters $1, in the words of tr(1)? (To grep, a file with a NUL in it has no lines.)
has_only() { [ "$(tr -d "$1" <"$2" | wc -c)" -eq 0 ]; }

# At most $2 bytes of the field $1 of the answer.
word_of() { printable "$2" <"$login/new/$1"; }

# Lays the tokens where the plugin reads them, which runs as Postfix's user, in a chroot on some systems: the path in sasl_passwd begins
# in the queue folder, where all of Postfix works. Its own attempt to renew one leads nowhere.
publish_tokens() {
    [ -n "$token_hosts" ] || return 0
    published=$(token_folder)
    make_folder "$published" || return
    for key in $token_hosts; do
        [ -s "$token_state/$key/access_token" ] || continue
        token=$token_state/$key/published
        rm -f "$token"
        awk -v expires="$(number "$token_state/$key/expires")" '{
            printf "{\"access_token\": \"%s\", \"expiry\": \"%s\", \"refresh_token\": \"none\", ", $0, expires
            print "\"client_id\": \"none\", \"client_secret\": \"none\", \"token_endpoint\": \"https://localhost:1/\"}"
        }' "$token_state/$key/access_token" >"$token" || { warn "cannot write into $state: is the disk full?"; return 1; }
        if [ "$(read_from "$published/$key" 0 | sha256sum)" = "$(sha256sum <"$token")" ]; then rm -f "$token"; continue; fi
        chown "$(postconf -xh mail_owner)" "$token" && put_file "$token" "$published/$key" || { warn "cannot write into $published: is the disk full?"; return 1; }
        rm -f "$token"
        if have restorecon; then restorecon -R "$published" 2>/dev/null; fi
        [ "$tokens_awaited" = 0 ] || [ "$quiet" = no ] || say "there is a new access token for $key"
    done
}

# Deletes the tokens of what is no smarthost with OAuth2 any more, or has no credentials any more.
drop_tokens() {
    [ -d "$token_state" ] || return 0
    published=$(token_folder)
    for of in "$token_state"/*/; do
        of=${of%/}
        # shellcheck disable=SC2086  # words on purpose
        is_one_of "$(basename "$of" .new)" $token_hosts || rm -rf "$of"
    done
    if only_roots "$published"; then
        (cd -- "$published" && for file in * .[!.]*; do [ -s "$token_state/$file/access_token" ] || rm -f -- "$file"; done)
        [ -n "$token_hosts" ] || rmdir -- "$published" 2>/dev/null
    fi
    [ -n "$token_hosts" ] || rm -rf "$token_state"
}

# Mail that was refused with the old one need not wait for its next turn.
flush_for_tokens() { [ "$tokens_awaited" = 0 ] || ! in_system || postqueue -f 2>/dev/null || :; }

token_folder() { echo "$(postconf -xh queue_directory 2>/dev/null || echo /var/spool/postfix)/mail-relay"; }

# For status: how each token is.
show_tokens() {
    for of in "$token_state"/*/; do
        [ -f "$of/access_token" ] || [ -f "$of/fault" ] || continue
        key=${of%/}
        if [ -s "$of/fault" ]; then
            fix=$(cat "$of/fault_mend" 2>/dev/null)
            echo "                 access token of ${key##*/}: $(printable 800 <"$of/fault")${fix:+; mend: $fix}"
        else
            echo "                 access token of ${key##*/} holds for $(age $(($(number "$of/expires") - $(date +%s)))), and is renewed before"
        fi
    done
}
