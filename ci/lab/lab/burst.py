"""Mail by the thousand: sessions of `sendmail -bs` on a host, each message with a number."""

import threading


class Burst:
    """Submits messages to the host in the background: as many as `least`, and on until finish().
    The host must deliver what it answered with 250; anything else ends the session and the scenario."""

    SESSIONS = 3
    # Programs and configuration change beneath: a session now and then begins anew.
    MESSAGES_OF_A_SESSION = 250

    def __init__(self, host, least):
        self._host = host
        self._taking = threading.Lock()
        self._least, self._given = least, 0
        self._finishing = False
        self.accepted = 0
        self._failure = None
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.SESSIONS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._least = 0
        self.finish()

    def finish(self):
        """Returns when the sessions have ended."""
        self._finishing = True
        for thread in self._threads:
            thread.join()
        if self._failure:
            raise self._failure

    def _run(self):
        try:
            while numbers := self._take():
                self._session(numbers)
        except Exception as failure:  # a thread's own would be lost
            self._failure = failure

    def _take(self):
        with self._taking:
            if self._finishing and self._given >= self._least:
                return range(0)
            self._given += self.MESSAGES_OF_A_SESSION
            return range(self._given - self.MESSAGES_OF_A_SESSION, self._given)

    def _session(self, numbers):
        with self._host.start("exec sendmail -bs") as smtp:
            self._expect(smtp, "220")
            self._say(smtp, "EHLO localhost", "250")
            for number in numbers:
                self._say(smtp, "MAIL FROM:<root>", "250")
                self._say(smtp, f"RCPT TO:<{number}@burst.example>", "250")
                self._say(smtp, "DATA", "354")
                self._say(smtp, f"Subject: burst {number}\n\nThis is message {number}.\n.", "250")
                with self._taking:
                    self.accepted += 1
            self._say(smtp, "QUIT", "221")

    def _say(self, smtp, text, code):
        smtp.stdin.write(text.replace("\n", "\r\n").encode() + b"\r\n")
        smtp.stdin.flush()
        self._expect(smtp, code)

    def _expect(self, smtp, code):
        lines = [smtp.stdout.readline().decode()]
        while lines[-1][3:4] == "-":
            lines.append(smtp.stdout.readline().decode())
        assert lines[-1].startswith(code), f"expected {code}, got {lines}"
