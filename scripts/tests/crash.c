/* Preloaded into the program: ends the process, like a crash, before its n-th operation on a file
 * under a folder.
 *
 * CRASH_FOLDER is the folder, CRASH_AT is n (from 1 on), CRASH_RANK is the MPI rank whose
 * operations count. If CRASH_COUNT names a file, the process is not ended, and the number of
 * operations is written to this file at the end. Only operations that change something count: opening
 * for writing, writing, forcing to the disk, and changes of names, lengths, times and folders.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long operations;
static const char *folder;
static long crash_at;
static const char *count_file;
static int counts;

__attribute__((constructor)) static void begin(void) {
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!rank) rank = getenv("PMI_RANK");
    const char *wanted = getenv("CRASH_RANK");
    folder = getenv("CRASH_FOLDER");
    count_file = getenv("CRASH_COUNT");
    const char *at = getenv("CRASH_AT");
    crash_at = at ? atol(at) : 0;
    counts = folder && (!rank || !wanted || strcmp(rank, wanted) == 0);
}

__attribute__((destructor)) static void end(void) {
    if (!counts || !count_file || operations == 0) return; /* a daemon of MPI */
    FILE *file = fopen(count_file, "w");
    if (!file) return;
    fprintf(file, "%ld\n", operations);
    fclose(file);
}

static void operation(void) {
    if (atomic_fetch_add(&operations, 1) + 1 == crash_at && !count_file) kill(getpid(), SIGKILL);
}

static int is_inside(const char *path) {
    return counts && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_open_inside(int fd) {
    if (!counts) return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                                                                   \
    int name(const char *path, int flags, ...) {                                                     \
        va_list list;                                                                                \
        va_start(list, flags);                                                                       \
        mode_t mode = va_arg(list, mode_t);                                                          \
        va_end(list);                                                                                \
        if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_inside(path)) operation();                 \
        return NEXT(name)(path, flags, mode);                                                        \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                 \
    int name(int at, const char *path, int flags, ...) {                                             \
        va_list list;                                                                                \
        va_start(list, flags);                                                                       \
        mode_t mode = va_arg(list, mode_t);                                                          \
        va_end(list);                                                                                \
        if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_inside(path)) operation();                 \
        return NEXT(name)(at, path, flags, mode);                                                    \
    }
OPENAT(openat)
OPENAT(openat64)

#define ON_PATH(type, name, parameters, path, arguments)                                             \
    type name parameters {                                                                           \
        if (is_inside(path)) operation();                                                            \
        return NEXT(name) arguments;                                                                 \
    }
ON_PATH(int, rename, (const char *from, const char *to), to, (from, to))
ON_PATH(int, link, (const char *from, const char *to), to, (from, to))
ON_PATH(int, linkat, (int a, const char *from, int b, const char *to, int flags), to, (a, from, b, to, flags))
ON_PATH(int, unlink, (const char *path), path, (path))
ON_PATH(int, rmdir, (const char *path), path, (path))
ON_PATH(int, mkdir, (const char *path, mode_t mode), path, (path, mode))
ON_PATH(int, truncate, (const char *path, off_t length), path, (path, length))

#define ON_FILE(type, name, parameters, arguments)                                                   \
    type name parameters {                                                                           \
        if (is_open_inside(fd)) operation();                                                         \
        return NEXT(name) arguments;                                                                 \
    }
ON_FILE(ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
ON_FILE(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
ON_FILE(ssize_t, pwrite, (int fd, const void *bytes, size_t length, off_t at), (fd, bytes, length, at))
ON_FILE(ssize_t, pwrite64, (int fd, const void *bytes, size_t length, off64_t at), (fd, bytes, length, at))
ON_FILE(int, fsync, (int fd), (fd))
ON_FILE(int, fdatasync, (int fd), (fd))
ON_FILE(int, ftruncate, (int fd, off_t length), (fd, length))
ON_FILE(int, ftruncate64, (int fd, off64_t length), (fd, length))
ON_FILE(int, fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length))
ON_FILE(int, fallocate64, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length))
