-- Dovecot's answer for users that its file does not know: what came over the wire is written down, in hexadecimal, and the pairs that a
-- scenario expects are let in. A checkpassword program would be told 512 bytes at most, and Dovecot reads its answer line by line.

local folder = "/srv/odd"

local function hex(bytes)
    return (bytes:gsub(".", function(byte) return string.format("%02x", byte:byte()) end))
end

function auth_password_verify(request, password)
    local received = hex(request.user) .. ":" .. hex(password)
    local log = assert(io.open(folder .. "/received", "a"))
    log:write(received, "\n")
    log:close()
    for expected in io.lines(folder .. "/expected") do
        if expected == received then
            return dovecot.auth.PASSDB_RESULT_OK, {}
        end
    end
    return dovecot.auth.PASSDB_RESULT_PASSWORD_MISMATCH, {}
end
