/* steps ROOT SKIP ASK ANSWER COMMAND...: run a command in a root, and ask at each of its steps what shall become of it.
 *
 * A step is a program that starts, or a call that changes a file system. The first SKIP steps pass in silence; each later one is
 * written to descriptor ASK as "WHAT PATH\n", and one byte read from descriptor ANSWER is the answer:
 *
 *   g  go on                              d  kill this process (SIGKILL), the rest goes on
 *   k  kill everything at once (SIGKILL)  r  run to the end, without more questions
 *
 * At the end "end STEPS\n" is written, and the exit code is the command's own (137 after k). The command has its own process ids,
 * /proc and /run, and ROOT for its root; nothing that it starts outlives it. The kernel stops the command by ptrace at those calls
 * alone, which a seccomp filter picks, so that the rest runs at full speed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_STOP 128 /* PTRACE_EVENT_STOP, which not every libc names */

/* Which argument is the path (of two, the one that appears), and which the flags of opening. */
struct call { int number; const char *name; int path; int flags; };
enum { NONE = -1, DESCRIPTOR = -2 };

static const struct call calls[] = {
    {__NR_openat, "open", 1, 2}, {__NR_openat2, "open", 1, NONE},
    {__NR_renameat2, "rename", 3, NONE}, {__NR_linkat, "link", 3, NONE}, {__NR_symlinkat, "symlink", 2, NONE},
    {__NR_unlinkat, "unlink", 1, NONE}, {__NR_mkdirat, "mkdir", 1, NONE}, {__NR_mknodat, "mknod", 1, NONE},
    {__NR_fchmodat, "chmod", 1, NONE}, {__NR_fchownat, "chown", 1, NONE}, {__NR_utimensat, "utimens", 1, NONE},
    {__NR_truncate, "truncate", 0, NONE}, {__NR_setxattr, "setxattr", 0, NONE},
    {__NR_fchmod, "chmod", DESCRIPTOR, NONE}, {__NR_fchown, "chown", DESCRIPTOR, NONE},
    {__NR_ftruncate, "truncate", DESCRIPTOR, NONE}, {__NR_fallocate, "fallocate", DESCRIPTOR, NONE},
    {__NR_write, "write", DESCRIPTOR, NONE}, {__NR_writev, "write", DESCRIPTOR, NONE},
    {__NR_pwrite64, "write", DESCRIPTOR, NONE}, {__NR_sendfile, "write", DESCRIPTOR, NONE},
    {__NR_copy_file_range, "write", DESCRIPTOR, NONE},
#ifdef __NR_renameat
    {__NR_renameat, "rename", 3, NONE},
#endif
#ifdef __NR_fchmodat2
    {__NR_fchmodat2, "chmod", 1, NONE},
#endif
#ifdef __NR_open /* the calls that newer machines lack */
    {__NR_open, "open", 0, 1}, {__NR_creat, "open", 0, NONE}, {__NR_rename, "rename", 1, NONE}, {__NR_link, "link", 1, NONE},
    {__NR_symlink, "symlink", 1, NONE}, {__NR_unlink, "unlink", 0, NONE}, {__NR_rmdir, "rmdir", 0, NONE},
    {__NR_mkdir, "mkdir", 0, NONE}, {__NR_mknod, "mknod", 0, NONE}, {__NR_chmod, "chmod", 0, NONE}, {__NR_chown, "chown", 0, NONE},
    {__NR_lchown, "chown", 0, NONE}, {__NR_utimes, "utimens", 0, NONE},
#endif
};
enum { CALLS = sizeof calls / sizeof *calls };

static const char *root;
static long steps, skip;
static int free_run, ask, answers;

static void die(const char *what) {
    fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
    exit(125);
}

/* The filter: each listed call stops, with its index for a message; opening only when it may change something. */
static void pick_calls(void) {
    struct sock_filter code[CALLS * 6 + 2];
    unsigned n = 0;
    const unsigned changing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (unsigned i = 0; i < CALLS; i++) {
        unsigned stop = SECCOMP_RET_TRACE | i;
        if (calls[i].flags == NONE) {
            code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, stop);
        } else {
            code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 4);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[calls[i].flags]));
            code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, changing, 0, 1);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, stop);
            code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        }
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {n, code};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) die("seccomp");
}

static void read_path(pid_t pid, unsigned long long at, char *into, size_t size) {
    struct iovec here = {into, size - 1}, there = {(void *)(size_t)at, size - 1};
    ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    if (got < 0) { /* the string ends before the page does, and the page is the last one */
        here.iov_len = there.iov_len = 4096 - at % 4096 < size - 1 ? 4096 - at % 4096 : size - 1;
        got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    }
    into[got > 0 ? got : 0] = 0;
}

static void read_link(char *into, size_t size, const char *form, pid_t pid, int number) {
    char link[4200];
    int used = snprintf(link, sizeof link, "%s/proc/", root);
    snprintf(link + used, sizeof link - used, form, pid, number);
    ssize_t got = readlink(link, into, size - 1);
    into[got > 0 ? got : 0] = 0;
    if (number >= 0) { /* only regular files are on a disk */
        struct stat is;
        if (stat(link, &is) || !S_ISREG(is.st_mode)) *into = 0;
    }
}

/* Is there something to tell? Devices and /proc are no disk. */
static int describe(pid_t pid, unsigned index, char *path, size_t size) {
    struct __ptrace_syscall_info info;
    const struct call *call = &calls[index];
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return 0;
    if (call->path == DESCRIPTOR) {
        read_link(path, size, "%d/fd/%d", pid, (int)info.seccomp.args[call->number == __NR_copy_file_range ? 2 : 0]);
        return *path && strncmp(path, "/proc/", 6);
    }
    read_path(pid, info.seccomp.args[call->path], path, size);
    return strncmp(path, "/dev/", 5) && strncmp(path, "/proc/", 6);
}

static void step(pid_t pid, const char *what, const char *path) {
    char line[4300], answer;
    if (++steps <= skip || free_run) return;
    int length = snprintf(line, sizeof line, "%s %s\n", what, path);
    for (int i = 0; i < length - 1; i++) if (line[i] == '\n') line[i] = '?';
    if (write(ask, line, length) != length || read(answers, &answer, 1) != 1) _exit(125);
    if (answer == 'k') _exit(137); /* the end of process 1 is the end of all */
    if (answer == 'd') kill(pid, SIGKILL);
    if (answer == 'r') free_run = 1;
}

static void stopped(pid_t pid, int status) {
    int signal = WSTOPSIG(status), event = status >> 16;
    char path[4096];
    unsigned long index;
    if (event == PTRACE_EVENT_SECCOMP) {
        if (!free_run && !ptrace(PTRACE_GETEVENTMSG, pid, 0, &index) && describe(pid, index, path, sizeof path))
            step(pid, calls[index].name, path);
    } else if (event == PTRACE_EVENT_EXEC) {
        read_link(path, sizeof path, "%d/exe", pid, -1);
        step(pid, "exec", path);
    } else if (event == EVENT_STOP && signal != SIGTRAP) {
        ptrace(PTRACE_LISTEN, pid, 0, 0);
        return;
    }
    ptrace(PTRACE_CONT, pid, 0, event ? 0 : signal);
}

static int follow(pid_t command) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0) die("wait");
        if (WIFSTOPPED(status)) {
            stopped(pid, status);
        } else if (pid == command) {
            dprintf(ask, "end %ld\n", steps);
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

static int first_process(char **command) {
    char path[4096];
    int ready[2];
    snprintf(path, sizeof path, "%s/proc", root);
    if (mount("proc", path, "proc", 0, 0)) die("mount /proc");
    snprintf(path, sizeof path, "%s/run", root);
    if (mount("tmpfs", path, "tmpfs", 0, "mode=0755")) die("mount /run");
    if (pipe2(ready, O_CLOEXEC)) die("pipe");
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
        char go;
        close(ready[1]);
        if (read(ready[0], &go, 1) != 1) _exit(125);
        close(ask);
        close(answers);
        if (chroot(root) || chdir("/")) die("chroot");
        pick_calls();
        execv(command[0], command);
        die(command[0]);
    }
    long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                   PTRACE_O_TRACESECCOMP;
    if (ptrace(PTRACE_SEIZE, pid, 0, options)) die("ptrace");
    if (write(ready[1], "g", 1) != 1) die("pipe");
    return follow(pid);
}

int main(int count, char **words) {
    if (count < 6) {
        fputs("usage: steps ROOT SKIP ASK ANSWER COMMAND...\n", stderr);
        return 125;
    }
    root = words[1];
    skip = atol(words[2]);
    ask = atoi(words[3]);
    answers = atoi(words[4]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID | CLONE_NEWNS)) die("unshare");
    if (mount("none", "/", 0, MS_REC | MS_PRIVATE, 0)) die("private mounts");
    pid_t first = fork();
    if (first < 0) die("fork");
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        exit(first_process(words + 5));
    }
    int status;
    while (waitpid(first, &status, 0) < 0) if (errno != EINTR) die("wait");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
