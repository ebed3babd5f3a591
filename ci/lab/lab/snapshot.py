"""What a machine has that its root has not, as the file system says it."""

import hashlib
import os
import re
import stat


class Snapshot:
    """Type, mode, owner, content and extended attributes of whatever differs from the root."""

    def __init__(self, machine):
        self._lowers = machine.lowers
        self._changed = dict(_walk(machine.upper))

    def differences(self, later, except_for=()):
        """Lines such as `+ /etc/x file 644 0:0 9f8e`: what is only here, what only in the later one."""
        excepted = re.compile("|".join(f"(?:{pattern})$" for pattern in except_for) or "(?!)")
        lines = []
        for path in sorted(self._changed.keys() | later._changed.keys()):
            before, after = self._at(path), later._at(path)
            if before != after and not excepted.match(path):
                lines += [f"{sign} {path} {facts}" for sign, facts in (("-", before), ("+", after)) if facts]
        return lines

    def _at(self, path):
        if path in self._changed:
            return self._changed[path]
        for lower in self._lowers:
            if os.path.lexists(f"{lower}{path}"):
                return None if _is_whiteout(f"{lower}{path}") else facts(f"{lower}{path}")
        return None


def facts(path, *, times=False):
    """One line about a path; with its time of change where that matters."""
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    words = [KINDS.get(kind, oct(kind)), f"{stat.S_IMODE(status.st_mode):o}", f"{status.st_uid}:{status.st_gid}"]
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            words.append(hashlib.sha256(file.read()).hexdigest()[:16])
    elif kind == stat.S_IFLNK:
        words.append(f"-> {os.readlink(path)}")
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        words.append(str(status.st_rdev))
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        if not name.startswith("trusted.overlay."):
            words.append(f"{name}={os.getxattr(path, name, follow_symlinks=False).hex()}")
    if times and kind != stat.S_IFDIR:
        words.append(str(status.st_mtime_ns))
    return " ".join(words)


KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block",
}  # fmt: skip


def _walk(upper):
    """Everything in an overlay's upper folder. What was deleted is there as a character device 0:0."""
    for folder, folders, files in os.walk(upper):
        for name in folders + files:
            path = os.path.join(folder, name)
            yield path[len(str(upper)) :], None if _is_whiteout(path) else facts(path)


def _is_whiteout(path):
    status = os.lstat(path)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
