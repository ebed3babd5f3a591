"""Which files of a folder of secrets are settings."""


def test_keys_by_file_names(sh):
    names = {"relay.env": "-", "relay_password": "RELAY_PASSWORD", "relay_backup_username": "RELAY_BACKUP_USERNAME"}
    # What editors and agents leave there while they write.
    others = ["relay_password~", ".relay_password.swp", "relay_password.new", "relay_password#", "RELAY_PASSWORD", "relay_pass word"]
    for name in [*names, *others]:
        code, out, error = sh("sources", f'key_of "/run/secrets/{name}"')
        assert (code, out.strip(), error) == ((0, names[name], "") if name in names else (1, "", "")), name
