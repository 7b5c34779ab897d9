/* Makes one kind of system call on one kind of file fail, or the process die there.
 *
 * Loaded before a program (LD_PRELOAD). FAULT names a file that says what happens, looked at with every
 * call: `CALL PART NTH EFFECT`. CALL is open, rename, sync, truncate, unlink or write; PART is part of the
 * path, the old one where it is renamed; from the NTH such call on, EFFECT happens: an errno by its number, or `before` or `after`, which is SIGKILL
 * there. Without the file, or with an empty one, nothing happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PASS = 0, AFTER = -1 };

static atomic_long seen;

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* An errno, PASS or AFTER. */
static int fault(const char *call, const char *path) {
    const char *rule_path = getenv("FAULT");
    char rule[512], wanted[16], part[256], effect[16];
    long nth, file;
    if (!rule_path || (file = syscall(SYS_openat, AT_FDCWD, rule_path, O_RDONLY | O_CLOEXEC, 0)) < 0)
        return PASS;
    long length = syscall(SYS_read, file, rule, sizeof rule - 1);
    syscall(SYS_close, file);
    if (length <= 0)
        return PASS;
    rule[length] = 0;
    if (sscanf(rule, "%15s %255s %ld %15s", wanted, part, &nth, effect) != 4)
        return PASS;
    if (strcmp(wanted, call) || !strstr(path, part) || atomic_fetch_add(&seen, 1) + 1 < nth)
        return PASS;
    if (!strcmp(effect, "before"))
        die();
    return strcmp(effect, "after") ? atoi(effect) : AFTER;
}

static int fault_of(const char *call, int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return PASS;
    path[length] = 0;
    return fault(call, path);
}

#define MEET(found, make)            \
    int effect = found;              \
    if (effect > 0) {                \
        errno = effect;              \
        return -1;                   \
    }                                \
    long done = make;                \
    if (effect == AFTER)             \
        die();                       \
    if (done < 0) {                  \
        return -1;                   \
    }                                \
    return done;

ssize_t write(int fd, const void *bytes, size_t count) {
    MEET(fault_of("write", fd), syscall(SYS_write, fd, bytes, count))
}

int fdatasync(int fd) {
    MEET(fault_of("sync", fd), syscall(SYS_fdatasync, fd))
}

int fsync(int fd) {
    MEET(fault_of("sync", fd), syscall(SYS_fsync, fd))
}

int ftruncate64(int fd, off64_t length) {
    MEET(fault_of("truncate", fd), syscall(SYS_ftruncate, fd, length))
}

int unlink(const char *path) {
    MEET(fault("unlink", path), syscall(SYS_unlinkat, AT_FDCWD, path, 0))
}

int rename(const char *path, const char *new_path) {
    MEET(fault("rename", path), syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, new_path, 0))
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;
    va_end(rest);
    MEET(fault("open", path), syscall(SYS_openat, AT_FDCWD, path, flags, mode))
}
