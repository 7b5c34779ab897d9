/* Makes one kind of system call on one kind of file fail, or the process die there; and moves the time of
 * day.
 *
 * Loaded before a program (LD_PRELOAD). FAULT names a file that says what happens, looked at with every
 * call: `CALL PART NTH EFFECT`. CALL is open, rename, sync, truncate, unlink or write; PART is part of the
 * path, the old one where it is renamed; from the NTH such call on, EFFECT happens: an errno by its number;
 * `before` or `after`, which is SIGKILL there; or `half`, where every other write takes half of what it is
 * given and the one behind it finds no room. Without the file, or with an empty one, nothing happens.
 *
 * CLOCK names a file of eight bytes, a number as the machine has it: by so many seconds clock_gettime tells
 * another time of day. Whoever asks by another call is told the right one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PASS = 0, AFTER = -1, HALF = -2 };

static atomic_long seen;
/* Whether a half was taken, and there is no room for the other one. */
static atomic_int halved;
/* In memory, since the time is asked for all the time. */
static const volatile int64_t *offset;
static int (*tell_time)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CLOCK");
    int file;
    tell_time = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (!path || (file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0)) < 0)
        return;
    void *page = mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    if (page != MAP_FAILED)
        offset = page;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* An errno, PASS, AFTER or HALF. */
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
    if (!strcmp(effect, "half"))
        return HALF;
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
    int found = fault_of("write", fd);
    if (found == HALF) {
        int is_second = atomic_fetch_xor(&halved, 1);
        found = is_second ? ENOSPC : PASS;
        count = is_second ? count : (count + 1) / 2;
    }
    MEET(found, syscall(SYS_write, fd, bytes, count))
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = tell_time ? tell_time(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    if (!done && clock == CLOCK_REALTIME && offset)
        time->tv_sec += *offset;
    return done;
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
