/*
 * The publisher's calls. The path of a small frame is: enter the latch (two plain accesses), copy into the ring,
 * commit, look whether somebody sleeps, leave. A large one is copied and hashed into a block outside the latch, so
 * that nobody who comes or goes has to wait for the copy.
 */
#include "clients/c/publisher.h"

#include "bus/format.h"
#include "bus/os/memory.h"
#include "clients/c/error.h"
#include "named-objects/fork.h"

#include <stdlib.h>
#include <string.h>

#define COMMIT_BYTES_MAX (UINT64_C(8) << 20)

static __attribute__((noinline)) enum weir_result
check_fails(const struct weir_publisher *p)
{
        if (!p)
                return wr_error(WEIR_E_USAGE, "the publisher is NULL");
        if (!wr_fork_same(p->bus->generation))
                return wr_bus_forked();
        if (wr_load32(&p->closed) != 0)
                return wr_error(WEIR_E_CLOSED, "the publisher of '%s' was closed", p->topic);
        if (wr_load32_acquire(&p->revoked) != 0)
                return wr_error(WEIR_E_DENIED, "%s", p->revoked_text);
        return WEIR_OK;
}

static inline bool
is_usable(const struct weir_publisher *p)
{
        return p && wr_fork_same(p->bus->generation) && (wr_load32(&p->closed) | wr_load32(&p->revoked)) == 0;
}

enum weir_result
wr_publisher_check(const struct weir_publisher *p)
{
        return is_usable(p) ? WEIR_OK : check_fails(p);
}

void
wr_publisher_lock(struct weir_publisher *p)
{
        if (p->options.shared)
                wr_mutex_lock(&p->shared_lock);
}

void
wr_publisher_unlock(struct weir_publisher *p)
{
        if (p->options.shared)
                wr_mutex_unlock(&p->shared_lock);
}

enum weir_result
wr_publisher_about(const struct weir_about *about, struct wr_about *room, const struct wr_about **out)
{
        *out = NULL;
        if (!about)
                return WEIR_OK;
        if (about->meta_size > WR_META_MAX)
                return wr_error(WEIR_E_USAGE, "%u bytes of metadata: at most %d may go with a frame", about->meta_size,
                                WR_META_MAX);
        if (about->meta_size > 0 && !about->meta)
                return wr_error(WEIR_E_USAGE, "about.meta is NULL, but about.meta_size is %u", about->meta_size);
        *room = (struct wr_about){ about->stamp_ns, about->tag, about->meta, about->meta_size,
                                   about->flags & ~(uint32_t)WR_LIBRARY_FLAGS };
        *out = room;
        return WEIR_OK;
}

/* ---- what a busy publisher was left to do ---- */

static void
link_attach(struct weir_publisher *p, struct wr_pair_link *link, struct wr_pair_link **links, struct wr_lane_writer *w)
{
        bool is_late = wr_load32(&link->is_follower) && links == &p->links; /* it has begun without this reader */

        link->result = links ? wr_lane_attach(w, &link->pair, is_late ? UINT32_MAX : link->history, &link->start)
                             : WEIR_E_CLOSED;
        if (link->result < 0)
                return;
        link->next = *links;
        *links = link;
        if (is_late)
                wr_store32(&link->is_follower, 0);
        if (!wr_load32(&link->is_follower))
                wr_store32(&p->link_count, wr_load32(&p->link_count) + 1);
}

static void
change_apply(struct weir_publisher *p, struct wr_pair_link *link)
{
        struct wr_lane_writer *w = &p->writer;
        struct wr_pair_link **links = &p->links, **at;

        if (link->lane != p->writer.geometry.lane) {
                links = p->next_lane && p->next_lane->lane == link->lane ? &p->next_lane->links : NULL;
                w = links ? &p->next_lane->writer : NULL;
        }
        if (link->change == WR_CHANGE_ATTACH) {
                link_attach(p, link, links, w);
                return;
        }
        for (at = links; at && *at && *at != link; at = &(*at)->next)
                ;
        if (!at || !*at)
                return; /* it never attached */
        *at = link->next;
        if (!wr_load32(&link->is_follower))
                wr_store32(&p->link_count, wr_load32(&p->link_count) - 1);
        wr_lane_detach(w, &link->pair);
        wr_store32(&p->room_now, 1);
}

void
wr_publisher_apply(struct weir_publisher *p)
{
        struct wr_pair_link *link, **end;
        bool has_moved;

        wr_mutex_lock(&p->lock);
        for (end = &p->applied; *end; end = &(*end)->next_change)
                ;
        *end = p->changes;
        for (link = p->changes; link; link = link->next_change)
                change_apply(p, link);
        p->changes = NULL;
        has_moved = p->next_lane && wr_publisher_move(p);
        wr_store32(&p->changes_due, p->next_lane != NULL); /* until it has moved, each call looks whether it can */
        wr_store32(&p->applied_due, 1);
        wr_mutex_unlock(&p->lock);
        if (!has_moved)
                return;
        wr_publisher_wake(p);
        wr_store32(&p->room_now, 1);
}

static __attribute__((noinline)) void
apply_due(struct weir_publisher *p)
{
        wr_publisher_apply(p);
        if (wr_load32(&p->changes_due) == 0) /* else it looks by itself, each millisecond */
                wr_control_wake(&p->bus->control);
}

void
wr_publisher_enter(struct weir_publisher *p)
{
        wr_latch_enter(&p->latch);
        if (wr_load32(&p->changes_due) != 0)
                apply_due(p);
}

/* ---- publish ---- */

static void
count(struct weir_publisher *p, uint64_t size)
{
        wr_store(&p->frames, wr_load(&p->frames) + 1);
        wr_store(&p->bytes, wr_load(&p->bytes) + size);
        wr_store(&p->copied_bytes, wr_load(&p->copied_bytes) + size);
}

static inline __attribute__((always_inline)) enum weir_result
publish_now(struct weir_publisher *p, const void *data, uint64_t size, const struct wr_about *about, bool more)
{
        enum weir_result result;

        wr_publisher_enter(p);
        result = wr_lane_publish(&p->writer, data, size, about, wr_clock_fast_ns(&p->clock));
        if (result == WEIR_OK) {
                p->wake_owed = more;
                if (!more)
                        wr_publisher_wake(p);
                if (p->charging)
                        wr_publisher_went_through(p);
        }
        wr_publisher_leave(p);
        return result;
}

static __attribute__((noinline)) enum weir_result
publish_small(struct weir_publisher *p, const void *data, uint64_t size, const struct wr_about *about, bool more,
              int64_t timeout_ns)
{
        struct wr_want want;
        enum weir_result result = publish_now(p, data, size, about, more);

        if (result != WEIR_FULL)
                return result;
        want = (struct wr_want){ .data = data, .size = size, .about = about, .more = more };
        return wr_publisher_try(p, &want, timeout_ns);
}

enum weir_result
wr_publisher_commit(struct weir_publisher *p, uint64_t end)
{
        uint64_t page = wr_memory_page_bytes(), bytes;
        enum weir_result result;

        if (end <= p->committed)
                return WEIR_OK;
        /* As much as is needed, and while it is little as much again, so that small topics stay small. */
        bytes = p->committed < COMMIT_BYTES_MAX ? p->committed : COMMIT_BYTES_MAX;
        if (bytes < end - p->committed)
                bytes = end - p->committed;
        bytes = (bytes + page - 1) & ~(page - 1);
        if (bytes > p->writer.geometry.heap_bytes - p->committed)
                bytes = p->writer.geometry.heap_bytes - p->committed;
        result = wr_memory_commit(p->writer.heap_base + p->committed, bytes);
        if (result < 0)
                return wr_error(result,
                                "no memory for %llu more bytes of the lane of '%s' (%llu are there): the system or a "
                                "memory limit of its control group refuses them",
                                (unsigned long long)bytes, p->topic, (unsigned long long)p->committed);
        p->committed += bytes;
        return WEIR_OK;
}

/* Copies payload and hashes it in the same pass, where there is to be a hash. */
static uint64_t
block_fill(struct weir_publisher *p, uint64_t offset, const void *data, uint64_t size, const struct wr_about *about)
{
        uint64_t extension[WR_EXTENSION_MAX / 8 + 1];
        uint8_t *to = p->writer.heap_base + offset;

        if (p->hash_full)
                return wr_hash_copy(extension, wr_lane_extension(about, extension), to, data, size);
        memcpy(to, data, size);
        return 0;
}

static enum weir_result
publish_large(struct weir_publisher *p, const void *data, uint64_t size, const struct wr_about *about, bool more,
              int64_t timeout_ns)
{
        struct wr_want want = { .lend = true, .size = size, .align = WR_LINE_BYTES };
        enum weir_result result = wr_publisher_try(p, &want, timeout_ns);
        uint64_t hash = 0;

        if (result != WEIR_OK)
                return result;
        result = wr_publisher_commit(p, want.offset + size);
        if (result == WEIR_OK)
                hash = block_fill(p, want.offset, data, size, about);
        if (p->known_hash)
                hash = *p->known_hash; /* of a loan whose lane was left */
        wr_publisher_enter(p);
        wr_store32(&p->filling, 0); /* after it: the lane is still the one that the block is of */
        if (result == WEIR_OK)
                result =
                        wr_lane_publish_block(&p->writer, want.offset, size, about, wr_clock_fast_ns(&p->clock), &hash);
        if (result < 0) {
                wr_lane_discard(&p->writer, want.offset, size);
        } else {
                p->wake_owed = more;
                if (!more)
                        wr_publisher_wake(p);
        }
        wr_publisher_leave(p);
        return result;
}

enum weir_result
wr_publisher_copy(struct weir_publisher *p, const void *data, uint64_t size, const struct wr_about *about, bool more,
                  int64_t timeout_ns)
{
        enum weir_result result;

        if (size <= p->inline_max)
                result = publish_small(p, size > 0 ? data : "", size, about, more, timeout_ns);
        else
                result = publish_large(p, data, size, about, more, timeout_ns);
        if (result == WEIR_OK)
                count(p, size);
        return result;
}

static __attribute__((noinline)) enum weir_result
publish_any(struct weir_publisher *p, const void *data, uint64_t size, const struct weir_about *a, int64_t timeout_ns)
{
        struct wr_about room;
        const struct wr_about *about = NULL;
        enum weir_result result = wr_publisher_check(p);
        bool more = a && (a->flags & WEIR_MORE);

        if (result == WEIR_OK)
                result = wr_publisher_about(a, &room, &about);
        if (result == WEIR_OK && !data && size > 0)
                result = wr_error(WEIR_E_USAGE, "data is NULL, but size is %llu", (unsigned long long)size);
        if (result < 0)
                return result;
        wr_publisher_lock(p);
        result = wr_publisher_copy(p, data, size, about, more, timeout_ns);
        wr_publisher_unlock(p);
        return result == WEIR_E_TOO_LARGE ? wr_publisher_too_large(p, size) : result;
}

enum weir_result WEIR_CALL
weir_publish(struct weir_publisher *p, const void *data, uint64_t size, const struct weir_about *a, int64_t timeout_ns)
{
        if (!is_usable(p) || a || !data || p->options.shared || size > p->inline_max ||
            publish_now(p, data, size, NULL, false) != WEIR_OK)
                return publish_any(p, data, size, a, timeout_ns);
        count(p, size);
        return WEIR_OK;
}

/* ---- formats ---- */

enum weir_result
wr_publisher_put_format(struct weir_publisher *p, const struct weir_format *format)
{
        struct wr_format_parts parts = { format->type, format->encoding, format->schema, format->schema_size };
        size_t size = wr_format_bytes(&parts);
        uint64_t offset, lent = size > p->writer.geometry.inline_max ? size : p->writer.geometry.inline_max + 1;
        enum weir_result result;
        void *bytes;

        if (size == 0)
                return wr_error(WEIR_E_USAGE,
                                "a format of '%s' is too long: type %d, encoding %d, schema %d bytes at most", p->topic,
                                WR_FORMAT_TYPE_MAX, WR_FORMAT_ENCODING_MAX, WR_FORMAT_SCHEMA_MAX);
        result = wr_lane_lend(&p->writer, lent, WR_LINE_BYTES, &offset); /* more than inline_max: so it is a block */
        if (result != WEIR_OK)
                return result;
        bytes = malloc(size);
        result = bytes ? wr_publisher_commit(p, offset + lent) : wr_error(WEIR_E_NO_MEMORY, "no memory for a format");
        if (result == WEIR_OK) {
                wr_format_encode(&parts, bytes);
                result = wr_lane_set_format(&p->writer, offset, bytes, size);
                if (result == WEIR_FULL && p->renews)
                        wr_publisher_renew(p);
        }
        free(bytes);
        if (result != WEIR_OK)
                wr_lane_discard(&p->writer, offset, lent);
        return result;
}

enum weir_result WEIR_CALL
weir_set_format(struct weir_publisher *p, const struct weir_format *f)
{
        enum weir_result result = wr_publisher_check(p);

        if (result == WEIR_OK && !f)
                result = wr_error(WEIR_E_USAGE, "the format is NULL");
        if (result < 0)
                return result;
        wr_publisher_lock(p);
        wr_publisher_enter(p);
        wr_loans_collect(p);
        result = wr_publisher_put_format(p, f);
        wr_publisher_leave(p);
        wr_publisher_unlock(p);
        return result;
}
