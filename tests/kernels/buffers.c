#define _DEFAULT_SOURCE /* mmap of anonymous memory */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

#define BUFFERS 128
#define FILL 0x5a

static size_t taken;

size_t buffers_mark(void) {
    return taken;
}

#ifdef SANITIZED

static void *buffers[BUFFERS];

static void *open_buffer(size_t size) {
    return buffers[taken] = malloc(size);
}

static void close_buffer(void) {
    free(buffers[taken]);
}

#else

#define GUARD 64        /* bytes before a buffer that must keep their value */
#define PAGE 65536      /* a multiple of any machine's pages */
#define ROOM (256 * PAGE) /* for the largest buffer and its guard */

/* Each buffer ends where a page begins that cannot be accessed. The memory is kept for the next one. */
static struct {
    uint8_t *room, *start;
} buffers[BUFFERS];

static void *open_buffer(size_t size) {
    check_that(size + GUARD <= ROOM, "the buffer is small enough");
    if (!buffers[taken].room) {
        void *made = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check_that(made != MAP_FAILED, "there is memory");
        buffers[taken].room = made;
        check_that(mprotect(buffers[taken].room + ROOM, PAGE, PROT_NONE) == 0, "memory can be protected");
    }
    buffers[taken].start = buffers[taken].room + ROOM - size;
    memset(buffers[taken].start - GUARD, FILL, GUARD);
    return buffers[taken].start;
}

static void close_buffer(void) {
    const uint8_t *start = buffers[taken].start;
    for (size_t i = 1; i <= GUARD; i++) check_that(start[-(ptrdiff_t)i] == FILL, "nothing is written before a buffer");
}

#endif

void *buffer_take(size_t size) {
    check_that(taken < BUFFERS, "there are buffers left");
    void *buffer = open_buffer(size);
    check_that(buffer != NULL, "there is memory");
    memset(buffer, FILL, size);
    taken++;
    return buffer;
}

void *buffer_copy(const void *from, size_t size) {
    void *buffer = buffer_take(size);
    memcpy(buffer, from, size);
    return buffer;
}

void buffers_release(size_t mark) {
    while (taken > mark) {
        taken--;
        close_buffer();
    }
}
