/* A disk that can be told to fail, and that remembers everything done to it.
 *
 * Preloaded (LD_PRELOAD) into a process, it watches the files below one folder.
 *
 *   FAULTY_DISK_FOLDER  the folder, absolute
 *   FAULTY_DISK_TRACE   where to append a record of each operation; outside that folder
 *   FAULTY_DISK_ORDERS  a file of orders, read again whenever it is replaced; one a line:
 *       fail_sync N      the Nth synchronisation of a file from now on fails with EIO, once
 *       room N           files may grow by N more bytes, then the disk is full (ENOSPC)
 *       read_only        every change is refused (EROFS)
 *       sync_ms N        each synchronisation takes N milliseconds longer
 *       short_writes     a write longer than one byte takes only half of what it is given
 *       free_sync        a synchronisation is recorded and answered, and costs nothing
 *
 * A record is written before the caller learns of the operation's success, so that the size of the trace, read after
 * a promise was heard, is a point in time that lies after everything the promise rests on.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum operation {
    CREATED = 1, WRITTEN, TRUNCATED, SYNC_BEGUN, SYNC_DONE, SYNC_FAILED, UNLINKED, RENAMED, FOLDER_MADE,
    FOLDER_SYNC_BEGUN, FOLDER_SYNC_DONE
};

struct __attribute__((packed)) head {
    uint8_t operation;
    uint64_t file;      /* its inode */
    int64_t at;         /* offset, size, or the number of a synchronisation */
    uint32_t path_bytes;
    uint32_t data_bytes;
};

struct watched {
    char *path;         /* NULL: this descriptor is not ours */
    uint64_t file;
    int folder;
};

#define DESCRIPTORS 4096
static struct watched watched[DESCRIPTORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX], orders_path[PATH_MAX];
static size_t folder_bytes;
static int trace = -1;
static int64_t syncs;

static struct {
    struct timespec changed;
    ino_t inode;
    long fail_sync;
    long long room;
    int read_only, short_writes, free_sync;
    long sync_ms;
} orders = {.room = -1};

#define NEXT(name, result, ...) \
    static result (*next_##name)(__VA_ARGS__); \
    static void find_##name(void) { next_##name = dlsym(RTLD_NEXT, #name); }
NEXT(openat, int, int, const char *, int, ...)
NEXT(close, int, int)
NEXT(write, ssize_t, int, const void *, size_t)
NEXT(pwrite, ssize_t, int, const void *, size_t, off_t)
NEXT(writev, ssize_t, int, const struct iovec *, int)
NEXT(pwritev, ssize_t, int, const struct iovec *, int, off_t)
NEXT(ftruncate, int, int, off_t)
NEXT(truncate, int, const char *, off_t)
NEXT(fallocate, int, int, int, off_t, off_t)
NEXT(fsync, int, int)
NEXT(fdatasync, int, int)
NEXT(unlinkat, int, int, const char *, int)
NEXT(renameat, int, int, const char *, int, const char *)
NEXT(mkdirat, int, int, const char *, mode_t)

static void begin(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    extern void begin_once(void);
    pthread_once(&once, begin_once);
}

__attribute__((constructor)) static void loaded(void) { begin(); }

void begin_once(void) {
    find_openat(); find_close(); find_write(); find_pwrite(); find_writev(); find_pwritev(); find_ftruncate();
    find_truncate(); find_fallocate(); find_fsync(); find_fdatasync(); find_unlinkat(); find_renameat(); find_mkdirat();
    const char *where = getenv("FAULTY_DISK_FOLDER"), *to = getenv("FAULTY_DISK_TRACE");
    const char *ordered = getenv("FAULTY_DISK_ORDERS");
    if (where == NULL) return;
    folder_bytes = (size_t)snprintf(folder, sizeof folder, "%s", where);
    if (ordered != NULL) snprintf(orders_path, sizeof orders_path, "%s", ordered);
    if (to != NULL) {
        int low = next_openat(AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        trace = fcntl(low, F_DUPFD_CLOEXEC, 900); /* out of the way of the numbers a program expects */
        next_close(low);
        if (trace < 0) { perror("faulty_disk: the trace"); abort(); }
    }
}

/* Orders: read again when the file was replaced. Called with the lock held. */

static void obey(void) {
    struct stat now;
    if (!orders_path[0] || stat(orders_path, &now) != 0) return;
    if (now.st_ino == orders.inode && now.st_mtim.tv_sec == orders.changed.tv_sec &&
        now.st_mtim.tv_nsec == orders.changed.tv_nsec) return;
    char text[1024], word[32];
    int fd = next_openat(AT_FDCWD, orders_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t n = read(fd, text, sizeof text - 1);
    next_close(fd);
    if (n < 0) return;
    text[n] = 0;
    memset(&orders, 0, sizeof orders);
    orders.room = -1;
    orders.inode = now.st_ino;
    orders.changed = now.st_mtim;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        long long number = 1;
        if (sscanf(line, "%31s %lld", word, &number) < 1) continue;
        if (!strcmp(word, "fail_sync")) orders.fail_sync = number;
        else if (!strcmp(word, "room")) orders.room = number;
        else if (!strcmp(word, "read_only")) orders.read_only = 1;
        else if (!strcmp(word, "sync_ms")) orders.sync_ms = number;
        else if (!strcmp(word, "short_writes")) orders.short_writes = 1;
        else if (!strcmp(word, "free_sync")) orders.free_sync = 1;
        else { fprintf(stderr, "faulty_disk: unknown order %s\n", word); abort(); }
    }
}

/* Which paths and descriptors are ours. */

static const char *inside(const char *path) {
    if (!folder_bytes || strncmp(path, folder, folder_bytes) != 0) return NULL;
    if (path[folder_bytes] == 0) return "";
    return path[folder_bytes] == '/' ? path + folder_bytes + 1 : NULL;
}

/* Write the absolute path of (at, path) to `out`; return its part below the folder, NULL if it is not ours. */
static const char *ours(int at, const char *path, char *out) {
    char base[PATH_MAX] = "";
    if (!folder_bytes || path == NULL) return NULL;
    if (path[0] == '/') snprintf(out, PATH_MAX, "%s", path);
    else {
        if (at == AT_FDCWD) { if (getcwd(base, sizeof base) == NULL) return NULL; }
        else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", at);
            ssize_t n = readlink(link, base, sizeof base - 1);
            if (n < 0) return NULL;
            base[n] = 0;
        }
        if (snprintf(out, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
    }
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/') out[--n] = 0;
    return inside(out);
}

static struct watched *of(int fd) {
    return fd >= 0 && fd < DESCRIPTORS && watched[fd].path != NULL ? &watched[fd] : NULL;
}

static void record(enum operation operation, uint64_t file, int64_t at, const char *path, const void *data, size_t n) {
    if (trace < 0) return;
    struct head head = {operation, file, at, (uint32_t)strlen(path), (uint32_t)n};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)path, head.path_bytes}, {(void *)data, n}};
    ssize_t all = (ssize_t)(sizeof head + head.path_bytes + n);
    if (next_writev(trace, parts, 3) != all) { perror("faulty_disk: the trace"); abort(); }
}

static int refused(int error) { errno = error; return -1; }

/* Opening and closing. */

static int opened(int at, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    begin();
    const char *below = ours(at, path, whole);
    if (below == NULL) return next_openat(at, path, flags, mode);
    pthread_mutex_lock(&lock);
    obey();
    struct stat before, after;
    int was_there = stat(whole, &before) == 0;
    int changes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    int fd = orders.read_only && changes && !S_ISDIR(was_there ? before.st_mode : 0)
        ? refused(EROFS) : next_openat(at, path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS && fstat(fd, &after) == 0) {
        free(watched[fd].path);
        watched[fd] = (struct watched){strdup(below), after.st_ino, S_ISDIR(after.st_mode)};
        if (!was_there) record(CREATED, after.st_ino, 0, below, "", 0);
        else if (flags & O_TRUNC) record(TRUNCATED, after.st_ino, 0, below, "", 0);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE(flags) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return opened(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0); }

int close(int fd) {
    begin();
    pthread_mutex_lock(&lock);
    if (of(fd)) { free(watched[fd].path); watched[fd].path = NULL; }
    pthread_mutex_unlock(&lock);
    return next_close(fd);
}

/* Writing. */

/* Return how many of `n` bytes from `at` on may be written, or -1 with the reason. Called with the lock held. */
static ssize_t allowed(int fd, size_t n, off_t at) {
    obey();
    if (orders.read_only) return refused(EROFS);
    if (orders.short_writes && n > 1) n /= 2;
    struct stat now;
    if (orders.room < 0 || n == 0 || fstat(fd, &now) != 0) return (ssize_t)n;
    long long grows = (long long)at + (long long)n - now.st_size;
    if (grows > (long long)n) grows = (long long)n;
    if (grows <= 0) return (ssize_t)n;
    if (grows > orders.room) { n -= (size_t)(grows - orders.room); grows = orders.room; }
    orders.room -= grows;
    return n ? (ssize_t)n : refused(ENOSPC);
}

static ssize_t written(int fd, const void *data, size_t n, off_t at, int has_place) {
    begin();
    pthread_mutex_lock(&lock);
    struct watched *file = of(fd);
    if (file == NULL) {
        pthread_mutex_unlock(&lock);
        return has_place ? next_pwrite(fd, data, n, at) : next_write(fd, data, n);
    }
    if (!has_place) {
        struct stat now;
        at = (fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &now) == 0 ? now.st_size : lseek(fd, 0, SEEK_CUR);
    }
    ssize_t done = allowed(fd, n, at);
    if (done > 0) done = has_place ? next_pwrite(fd, data, (size_t)done, at) : next_write(fd, data, (size_t)done);
    int error = errno;
    if (done > 0) record(WRITTEN, file->file, at, file->path, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t n) { return written(fd, data, n, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { return written(fd, data, n, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { return written(fd, data, n, at, 1); }

static int is_ours(int fd) {
    begin();
    pthread_mutex_lock(&lock);
    int is = of(fd) != NULL;
    pthread_mutex_unlock(&lock);
    return is;
}

static ssize_t written_parts(int fd, const struct iovec *parts, int count, off_t at, int has_place) {
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len == 0) continue;
        ssize_t done = written(fd, parts[i].iov_base, parts[i].iov_len, at + all, has_place);
        if (done < 0) return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return is_ours(fd) ? written_parts(fd, parts, count, 0, 0) : next_writev(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return is_ours(fd) ? written_parts(fd, parts, count, at, 1) : next_pwritev(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

static int sized(int fd, off_t size) {
    begin();
    pthread_mutex_lock(&lock);
    struct watched *file = of(fd);
    if (file != NULL) obey();
    int result = file != NULL && orders.read_only ? refused(EROFS) : next_ftruncate(fd, size);
    int error = errno;
    if (file != NULL && result == 0) record(TRUNCATED, file->file, size, file->path, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate(int fd, off_t size) { return sized(fd, size); }
int ftruncate64(int fd, off64_t size) { return sized(fd, size); }

int truncate(const char *path, off_t size) {
    char whole[PATH_MAX];
    begin();
    if (ours(AT_FDCWD, path, whole) == NULL) return next_truncate(path, size);
    int fd = opened(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    int result = sized(fd, size), error = errno;
    close(fd);
    errno = error;
    return result;
}
int truncate64(const char *path, off64_t size) { return truncate(path, size); }

/* Room asked for beforehand is not modelled: refused, and every caller has another way. */
int fallocate(int fd, int mode, off_t at, off_t n) {
    return is_ours(fd) ? refused(EOPNOTSUPP) : next_fallocate(fd, mode, at, n);
}
int fallocate64(int fd, int mode, off64_t at, off64_t n) { return fallocate(fd, mode, at, n); }

/* Synchronising. What was written while it went on is not covered by it. */

static int synchronised(int fd, int (*next)(int)) {
    begin();
    pthread_mutex_lock(&lock);
    struct watched *known = of(fd);
    if (known == NULL) { pthread_mutex_unlock(&lock); return next(fd); }
    obey();
    struct watched file = {strdup(known->path), known->file, known->folder};
    int64_t number = ++syncs;
    int fails = !file.folder && orders.fail_sync > 0 && --orders.fail_sync == 0;
    int refuses = orders.read_only, costs = !orders.free_sync;
    struct timespec pause = {orders.sync_ms / 1000, orders.sync_ms % 1000 * 1000000};
    record(file.folder ? FOLDER_SYNC_BEGUN : SYNC_BEGUN, file.file, number, file.path, "", 0);
    pthread_mutex_unlock(&lock);

    if (pause.tv_sec || pause.tv_nsec) nanosleep(&pause, NULL);
    int result = fails ? refused(EIO) : refuses ? refused(EROFS) : costs ? next(fd) : 0;
    int error = errno;

    pthread_mutex_lock(&lock);
    if (file.folder) { if (result == 0) record(FOLDER_SYNC_DONE, file.file, number, file.path, "", 0); }
    else record(result == 0 ? SYNC_DONE : SYNC_FAILED, file.file, number, file.path, "", 0);
    pthread_mutex_unlock(&lock);
    free(file.path);
    errno = error;
    return result;
}

int fsync(int fd) { begin(); return synchronised(fd, next_fsync); }
int fdatasync(int fd) { begin(); return synchronised(fd, next_fdatasync); }

/* Names. */

static int unlinked(int at, const char *path, int flags) {
    char whole[PATH_MAX];
    begin();
    const char *below = ours(at, path, whole);
    if (below == NULL) return next_unlinkat(at, path, flags);
    pthread_mutex_lock(&lock);
    obey();
    int result = orders.read_only ? refused(EROFS) : next_unlinkat(at, path, flags);
    int error = errno;
    if (result == 0) record(UNLINKED, 0, 0, below, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int unlink(const char *path) { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return unlinked(at, path, flags); }
int rmdir(const char *path) { return unlinked(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat now;
    return unlinked(AT_FDCWD, path, lstat(path, &now) == 0 && S_ISDIR(now.st_mode) ? AT_REMOVEDIR : 0);
}

static int renamed(int from_at, const char *from, int to_at, const char *to) {
    char whole_from[PATH_MAX], whole_to[PATH_MAX];
    begin();
    const char *below_from = ours(from_at, from, whole_from), *below_to = ours(to_at, to, whole_to);
    if (below_from == NULL && below_to == NULL) return next_renameat(from_at, from, to_at, to);
    if (below_from == NULL || below_to == NULL) return refused(EXDEV);
    pthread_mutex_lock(&lock);
    obey();
    int result = orders.read_only ? refused(EROFS) : next_renameat(from_at, from, to_at, to);
    int error = errno;
    if (result == 0) record(RENAMED, 0, 0, below_from, below_to, strlen(below_to));
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int a, const char *from, int b, const char *to) { return renamed(a, from, b, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return flags ? refused(EINVAL) : renamed(a, from, b, to);
}

static int made(int at, const char *path, mode_t mode) {
    char whole[PATH_MAX];
    begin();
    const char *below = ours(at, path, whole);
    if (below == NULL) return next_mkdirat(at, path, mode);
    pthread_mutex_lock(&lock);
    obey();
    int result = orders.read_only ? refused(EROFS) : next_mkdirat(at, path, mode);
    int error = errno;
    if (result == 0) record(FOLDER_MADE, 0, 0, below, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return made(at, path, mode); }
