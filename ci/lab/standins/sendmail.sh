#!/bin/sh
# Another mail server's sendmail command: mail ends where a scenario can read it.
cat >>/var/spool/mail-of-the-other-server
