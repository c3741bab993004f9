/*
 * weir.h: publish and take frames through shared memory.
 *
 * A bus is a connection to the broker. A publisher writes frames to a topic, a subscriber takes them, in other
 * processes or in this one. Frames of any size: small ones are copied, large ones are read where they were written.
 *
 *   Text is UTF-8, sizes are bytes, times are nanoseconds, names are copied. An option left 0 is its default.
 *   Threads  "one": one thread at a time per object. "any": any thread at any time. Different objects: always.
 *   Results  > 0 is ordinary, < 0 is a failure and weir_error() has the sentence: <weir/result.h>.
 *   Speed    while both sides are awake no call allocates, locks or makes a system call for a frame.
 *   Fork     what a process opened is of no use to its forked child: WEIR_E_USAGE. It may open a bus of its own.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdint.h>
#include <weir/result.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef _WIN32
typedef void *weir_native; /* a HANDLE: manual-reset event */
#        define WEIR_CALL __cdecl
#        define WEIR_API
#else
typedef int weir_native; /* a descriptor for poll, epoll, GLib, libuv, asyncio */
#        define WEIR_CALL
#        define WEIR_API __attribute__((visibility("default")))
#endif

#define WEIR_NOW     INT64_C(0) /* timeouts: do not wait */
#define WEIR_FOREVER INT64_MAX
#define WEIR_NONE    UINT32_MAX /* counts: explicitly none, where 0 means the default */

/* Paths. Shared memory, or frames as bytes over a pipe or loopback TCP where memory may not or cannot be shared: the
 * same calls, two more copies. WEIR_ANY_PATH takes the first that can be had; .require of another is met or answered
 * with WEIR_E_NO_PATH. VSOCK, IVSHMEM: not in this version. */
enum { WEIR_ANY_PATH = 0, WEIR_SHM = 1, WEIR_PIPE = 2, WEIR_TCP = 3, WEIR_VSOCK = 4, WEIR_IVSHMEM = 5 };

/* Delivery. A lossy subscriber is never waited for (but what it has out is not reused); a reliable one is, as long as
 * it takes a 64th of its backlog in every stall_ns of waiting. */
enum { WEIR_LOSSY = 0, WEIR_RELIABLE = 1 };

/* Rights, as a policy grants them. */
enum {
        WEIR_MAY_SUBSCRIBE = 1,
        WEIR_MAY_PUBLISH = 2,
        WEIR_MAY_MAP = 4,     /* memory, not just a relayed stream */
        WEIR_MAY_OBSERVE = 8, /* see it listed */
        WEIR_MAY_STALL = 16,  /* be waited for */
};

/* What a frame's hash covers. It finds torn and damaged frames; it is no defence against a malicious publisher:
 * see weir_copy(). */
enum { WEIR_HASH_FULL = 0, WEIR_HASH_HEADER = 1, WEIR_HASH_NONE = 2 };

/* weir_about.flags. Bits 16 to 31 are the user's. */
enum {
        WEIR_MORE = 1,  /* publishing: another frame follows at once, wake nobody yet */
        WEIR_KEEP = 2,  /* publishing a loan: it stays readable and mine until weir_loan_discard() */
        WEIR_GAP = 4,   /* not continuous with the frame before */
        WEIR_DELTA = 8, /* useless without earlier frames */
        WEIR_OLD = 16,  /* taking: published before this subscriber was opened */
};

struct weir; /* a bus: one connection, one event queue, one native handle */
struct weir_publisher;
struct weir_subscriber;

/* What the bytes of a frame are. The library copies what it is given. */
struct weir_format {
        const char *type;     /* "video/x-raw", "sensor_msgs/PointCloud2"; compared byte for byte; up to 127 bytes */
        const char *encoding; /* how schema reads: "gst-caps", "numpy", "ros2msg", "protobuf", ""; up to 63 bytes */
        const void *schema;   /* up to 1 MiB */
        uint64_t schema_size;
};

/* What may go with a frame. It costs bytes of the header only when it is set. */
struct weir_about {
        int64_t stamp_ns; /* capture or presentation time on weir_now()'s clock; 0: not given */
        uint64_t tag;     /* the user's */
        const void *meta; /* up to 1024 bytes beside the payload (strides, crop, trace id); copied at publish */
        uint32_t meta_size;
        uint32_t flags;
};

/* Memory lent by weir_lend(). The library's; grows at its end. Write data, lower size, fill about, publish. */
struct weir_loan {
        void *data; /* aligned to payload_align, contents undefined */
        uint64_t size;
        struct weir_about about;
};

/* A frame as weir_take() hands it out. The library's, constant until weir_release(); grows at its end. */
struct weir_frame {
        const void *data; /* in place, or a private copy when small; 64 more bytes are readable behind */
        uint64_t size;
        struct weir_about about;
        uint64_t sequence;                /* per source, from 1 */
        int64_t published_ns;             /* weir_now()'s clock, the same in all processes of the machine */
        uint64_t lost, skipped;           /* just before this frame: overrun against my wish; passed over by keep */
        uint64_t source;                  /* which publisher: weir_peer() tells who that is */
        const char *topic;                /* its own, also of a pattern; equal topics are equal pointers */
        const struct weir_format *format; /* in force for this frame, the same pointer while unchanged; NULL: none */
        uint32_t kind, reserved;          /* 0: bytes */
};

/* What weir_next() answers. The library's, until the next weir_next() of this bus; grows at its end. */
struct weir_event {
        uint32_t kind;                      /* below */
        int32_t reason;                     /* a weir_result: why it left or was refused */
        void *user;                         /* the endpoint's .user */
        struct weir_publisher *publisher;   /* of ours, or NULL */
        struct weir_subscriber *subscriber; /* of ours, or NULL */
        const char *topic, *text;           /* text: the sentence */
        uint64_t source, count;             /* count: readers or publishers that are connected now */
        uint32_t role, pid;                 /* of weir_watch(): what others' endpoint is (weir_seat.role), and whose */
};

enum {
        WEIR_FRAMES = 1,       /* take from event->subscriber until WEIR_EMPTY */
        WEIR_ROOM = 2,         /* after WEIR_FULL: try again */
        WEIR_JOINED = 3,       /* a reader of our publisher, a publisher of our subscriber; watching: anybody */
        WEIR_LEFT = 4,         /* reason: WEIR_OK closed, WEIR_E_CLOSED died, WEIR_E_CORRUPT, WEIR_E_TYPE, ... */
        WEIR_LISTED = 5,       /* watching: was there before; with source 0: all that was there has been told */
        WEIR_PATH = 6,         /* an endpoint's pipe was lost (reason below 0) and is asked for again, or is back (0) */
        WEIR_EVICTED = 7,      /* our subscriber held its publisher up, or missed frames; or a reader of ours did */
        WEIR_REVOKED = 8,      /* the right was withdrawn */
        WEIR_BROKER_LOST = 9,  /* what is mapped flows on, opening fails; WEIR_E_DENIED: for good, its ticket ended */
        WEIR_BROKER_BACK = 10, /* a broker is there again and knows what is open here */
};

/* How to open a bus. size comes first in all options: WEIR_OPTIONS() and its like set it. */
struct weir_options {
        uint32_t size, flags;
        const char *name;        /* shown by the tools; default: the program's name */
        const char *address;     /* which broker; default: WEIR_BROKER, then the documented list */
        const char *ticket;      /* redeem this one, "weir-ticket:..."; it names its broker: <weir/ticket.h> */
        int64_t open_timeout_ns; /* how long to wait for a broker to appear; default 2 s; below 0: not at all */
        int(WEIR_CALL *embed)(const char *address); /* weir_broker_embed of <weir/broker.h>; default NULL: do not */
};

struct weir_publisher_options {
        uint32_t size, history;           /* newest frames kept for who joins later; default 0 */
        const struct weir_format *format; /* default: bytes */
        uint64_t memory_max;              /* of ring and payloads; default: 512 MiB, and up to 1 GiB when needed */
        uint32_t payload_align;           /* of loans, a power of two from 64 to 4096, as devices want; default 64 */
        uint32_t loans_max;               /* default 64 */
        uint32_t hash;                    /* default WEIR_HASH_FULL */
        uint32_t refuse_reliable;         /* 1: nobody may make me wait; default 0 */
        int64_t stall_ns;         /* a reliable subscriber that keeps me waiting and takes less than a 64th of its
                                     backlog in this time is evicted; default 5 s */
        uint32_t require, shared; /* a path; 1: the "one" calls lock, so that any thread may call */
        uint32_t prefault, huge;  /* 1: touch memory_max at open; 1: ask for huge pages */
        void *user;               /* comes back in events */
};

struct weir_subscriber_options {
        uint32_t size, delivery;  /* default WEIR_LOSSY */
        uint32_t keep;            /* per source: 1 newest only, N newest N; default: all the lane still has */
        uint32_t history;         /* of what publishers keep; default all, WEIR_NONE */
        uint32_t frames_max;      /* frames taken and not yet released; default 16, at most 1024 */
        uint32_t verify;          /* hash of every Nth frame; default 1, WEIR_NONE */
        const char *type;         /* connect only to this format type; default any */
        int64_t spin_ns;          /* look so long before sleeping; default 20 us, relayed -1; WEIR_FOREVER, -1 never */
        uint32_t require, shared; /* as of a publisher */
        uint32_t until_end;       /* 1: weir_take() answers WEIR_ENDED when the last publisher has gone */
        uint32_t reserved;
        void *user;
};

/* Figures of an endpoint. Fill size first; the same for both kinds. */
struct weir_info {
        uint32_t size, path;
        uint32_t copies; /* of each payload byte: 0 in place, 1 copied by this side; 2 over a pipe, by the kernel */
        uint32_t peers;  /* readers or publishers connected now */
        uint64_t frames, bytes, lost, skipped; /* subscriber: received + lost + skipped = published */
        uint64_t corrupt;                      /* frames whose hash did not match: passed over, never delivered */
        uint64_t full, waits, out; /* publisher: calls that met a full lane, that slept; loans or frames still out */
        uint64_t copied_bytes;     /* payload bytes that the library copied: copies per frame = copied_bytes / bytes */
        char why[256];             /* the path and its reason */
        uint64_t unsent;           /* a relayed publisher: frames that have yet to go towards the broker */
};

/* Who a source is, as the kernel vouched to the broker. Fill size first. */
struct weir_peer {
        uint32_t size, pid;
        char identity[256], name[64];
};

/* A line of weir_list(): a topic, or one of its endpoints. Valid inside the call back; grows at its end. */
struct weir_row {
        uint32_t size, publishes, pid, delivery, path, peers, publishers, subscribers;
        uint64_t id, source, frames, bytes, lost, skipped, corrupt, full, waits, out, memory_bytes;
        const char *topic, *type, *name, *identity;
        uint64_t copied_bytes, lag_frames; /* payload bytes that its library copied; lag: as weir_seat */
        int64_t lag_ns;
        const char *why; /* its path, and the reason of that */
};

/* weir_seat.role */
enum {
        WEIR_SEAT_IDLE = 0, /* connected, neither publishes nor subscribes */
        WEIR_SEAT_PUBLISHER = 1,
        WEIR_SEAT_SUBSCRIBER = 2,
        WEIR_SEAT_REFUSED = 3, /* not a connection, but a no that was said */
};

/* A line of weir_who(). Valid inside the call back. lag and held are what the publishers see, up to a second old: of a
 * publisher all of its readers together, of a subscriber all of its publishers together. */
struct weir_seat {
        uint32_t size, role, pid, delivery, path, peers;
        int32_t reason; /* refused: a weir_result */
        uint32_t times; /* refused: so often in the same words */
        uint64_t session, id;
        int64_t age_ns; /* since it connected, or was refused for the last time */
        uint64_t frames, lost;
        uint64_t lag_frames; /* published and not yet taken */
        int64_t lag_ns;      /* how old the oldest of them is */
        uint64_t out;        /* frames or loans not given back, by its own account */
        uint64_t held;       /* blocks that cannot be reused because they are out, as the publisher sees it */
        uint64_t held_bytes; /* ... and their memory */
        const char *topic, *name, *identity;
        const char *text; /* refused: the sentence, with the line that would grant it */
};

/* Fill size first. tcp_port: of 127.0.0.1, 0: none. policy: its file; "": none; "?": who asks is not told. */
struct weir_broker_state {
        uint32_t size, pid, scope, sessions, topics, lanes, pairs, subscriptions, refusals, tcp_port;
        uint64_t uptime_ns, reserve_bytes, package_sockets;
        char version[32], address[256], policy[256];
};

/* Options in place: WEIR_OPTIONS(.name = "fusion"). In C++ the same, with the fields in the order of the struct; what
 * they make lasts until the end of the call. */
#ifdef __cplusplus
#        define WEIR_OPTIONS(...)    WEIR_IN_PLACE(weir_options, __VA_ARGS__)
#        define WEIR_PUBLISHER(...)  WEIR_IN_PLACE(weir_publisher_options, __VA_ARGS__)
#        define WEIR_SUBSCRIBER(...) WEIR_IN_PLACE(weir_subscriber_options, __VA_ARGS__)
#else
#        define WEIR_OPTIONS(...)        WEIR_IN_PLACE(struct weir_options, __VA_ARGS__)
#        define WEIR_PUBLISHER(...)      WEIR_IN_PLACE(struct weir_publisher_options, __VA_ARGS__)
#        define WEIR_SUBSCRIBER(...)     WEIR_IN_PLACE(struct weir_subscriber_options, __VA_ARGS__)
#        define WEIR_IN_PLACE(type, ...) (&(type){ .size = sizeof(type), __VA_ARGS__ })
#endif

/* ---- bus ----------------------------------------------------------------------------------------------------- */

/**
 * Connect to the broker.
 *
 * @bus      out: the caller's until weir_close()
 * @options  NULL: all defaults
 *
 * Looks for a broker in the documented order, for up to open_timeout_ns; with .embed this process becomes the broker
 * first if nobody is. Blocks. Any thread. The environment's WEIR_PATH=pipe or tcp: this process maps no memory of
 * others, and all its endpoints are relayed; WEIR_E_USAGE for any other value.
 *
 * WEIR_OK, or WEIR_E_NO_BROKER: nobody listens; the sentence names every place that was tried
 * WEIR_E_DENIED     the broker admits nobody like this process, whoever listens may not, or the ticket is no good
 * WEIR_E_VERSION    it speaks another version; both are named
 * WEIR_E_QUOTA      too few descriptors or too many connections; the number that is needed is named
 * WEIR_E_USAGE, WEIR_E_NO_MEMORY, WEIR_E_SYSTEM
 */
WEIR_API enum weir_result WEIR_CALL
weir_open(struct weir **bus, const struct weir_options *options);

/**
 * Close a bus and the endpoints that are still open.
 *
 * Frames that are out stay valid until they are released, loans until they are discarded. Endpoints may also be closed
 * behind their bus, in any order (until then each keeps some hundred bytes). NULL is fine. No other thread may be
 * inside a call of this bus.
 */
WEIR_API void WEIR_CALL
weir_close(struct weir *bus);

/**
 * What happened? One answer for the whole bus: frames, room, who came and went, the broker.
 *
 * @timeout_ns  how long to wait; WEIR_NOW does not
 * @event       out: the library's until the next call
 *
 * Comings and goings in their order, frames last and by topic in turn. Of events never asked for the oldest are dropped
 * beyond 256 (while watching: 16384). One thread.
 *
 * WEIR_OK, WEIR_EMPTY  nothing within the timeout
 * WEIR_INTERRUPTED     weir_interrupt() is on
 * WEIR_E_CLOSED, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_next(struct weir *bus, int64_t timeout_ns, const struct weir_event **event);

/**
 * The native handle: readable exactly while weir_next() has something.
 *
 * For poll, epoll and main loops: never read, reset or close it. The same for each call. The first call starts a thread
 * that sleeps in the caller's place. Any thread. -1 (Windows: NULL) on a failure.
 */
WEIR_API weir_native WEIR_CALL
weir_wakeup(struct weir *bus);

/**
 * Watch who publishes and subscribes on topics that match, in any process, as far as this one may observe them.
 *
 * @pattern  as of weir_list(); up to 16 may be watched, each endpoint is told once. NULL: watch no more
 *
 * weir_next() tells WEIR_LISTED for each that is there, one with source 0 behind them (count: how many), then JOINED
 * and LEFT with its reason; role says what it is, source which, count how many of its role its topic has now. Who
 * subscribed with a pattern is told, under it, to its own identity and to full trust of the broker's own user. Behind
 * WEIR_BROKER_BACK, or a WEIR_LISTED with reason WEIR_E_HELD (events were not read for long), all is listed again.
 * Blocks, at most 2 s. Any thread.
 *
 * WEIR_OK
 * WEIR_E_QUOTA  16 patterns are watched already; each counts for 16 of the identity's subscriptions
 * WEIR_E_NO_BROKER, WEIR_E_NO_MEMORY, WEIR_E_CLOSED, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_watch(struct weir *bus, const char *pattern);

/**
 * End all waiting: while it is on, weir_next() and every call with a timeout answer WEIR_INTERRUPTED instead of
 * waiting. Any thread, signal handlers too.
 */
WEIR_API void WEIR_CALL
weir_interrupt(struct weir *bus, int on);

/* ---- publish ------------------------------------------------------------------------------------------------- */

/**
 * Open a lane to a topic.
 *
 * @publisher  out: the caller's until weir_publisher_close()
 * @topic      1 to 200 bytes, segments separated by '/'
 * @options    NULL: all defaults
 *
 * What is published afterwards reaches every subscriber that was there (one whose process is stopped excepted). Blocks
 * for the broker. Any thread.
 *
 * WEIR_OK
 * WEIR_E_DENIED     the policy grants no 'publish'; the sentence names the line that would
 * WEIR_E_QUOTA      too many lanes; memory_max is too small for history and loans, or too large; too fast, if relayed
 * WEIR_E_NO_MEMORY  for the ring, or with prefault for all of it
 * WEIR_E_NO_BROKER, WEIR_E_NO_PATH, WEIR_E_CLOSED, WEIR_E_USAGE, WEIR_E_SYSTEM
 */
WEIR_API enum weir_result WEIR_CALL
weir_publisher_open(struct weir_publisher **publisher, struct weir *bus, const char *topic,
                    const struct weir_publisher_options *options);

/** Close it: subscribers still drain what was published, then see it leave. Loans stay. NULL is fine. One thread. */
WEIR_API void WEIR_CALL
weir_publisher_close(struct weir_publisher *publisher);

/**
 * Publish a copy. One thread.
 *
 * @data        `size` bytes; NULL if size is 0
 * @about       what goes with it, or NULL
 * @timeout_ns  how long to wait for room; WEIR_NOW does not
 *
 * WEIR_OK           published
 * WEIR_FULL         a reliable subscriber, or loans and frames that are out, hold the memory; nothing was published,
 *                   and weir_next() tells WEIR_ROOM when it may be tried again
 * WEIR_INTERRUPTED  instead of waiting
 * WEIR_E_TOO_LARGE  more than memory_max can ever hold
 * WEIR_E_NO_MEMORY  the system refuses memory that it had promised
 * WEIR_E_DENIED     the right was withdrawn meanwhile; close it
 * WEIR_E_CLOSED, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_publish(struct weir_publisher *publisher, const void *data, uint64_t size, const struct weir_about *about,
             int64_t timeout_ns);

/**
 * Lend memory for one frame, to be filled in place.
 *
 * @size        of the payload; may be lowered in the loan before it is published
 * @timeout_ns  how long to wait for room; WEIR_NOW does not
 * @loan        out: loan->data lies in shared memory (small ones: beside it), aligned to payload_align
 *
 * The loan is the caller's until weir_loan_publish() or weir_loan_discard(). One thread.
 *
 * WEIR_OK      fill it
 * WEIR_E_HELD  loans_max loans are out
 * WEIR_FULL, WEIR_INTERRUPTED, WEIR_E_TOO_LARGE, WEIR_E_NO_MEMORY, WEIR_E_CLOSED, WEIR_E_USAGE as weir_publish()
 */
WEIR_API enum weir_result WEIR_CALL
weir_lend(struct weir_publisher *publisher, uint64_t size, int64_t timeout_ns, struct weir_loan **loan);

/**
 * Publish a loan. Never waits: its room was reserved. Loans may be published in any order. One thread (its
 * publisher's).
 *
 * WEIR_OK        the loan is gone; with WEIR_KEEP in loan->about.flags it stays readable until weir_loan_discard()
 * WEIR_FULL      the lane moved meanwhile and there is no room for a copy: the loan is still the caller's
 * WEIR_E_USAGE   size was raised, or it was published before: the loan is still the caller's
 * WEIR_E_CLOSED  the publisher was closed: the loan is still the caller's
 */
WEIR_API enum weir_result WEIR_CALL
weir_loan_publish(struct weir_loan *loan);

/** Give a loan back. NULL is fine. Any thread, also behind the close of publisher and bus. */
WEIR_API void WEIR_CALL
weir_loan_discard(struct weir_loan *loan);

/**
 * Say what the frames are from the next one on. Each subscriber sees the change exactly there. One thread.
 *
 * WEIR_OK
 * WEIR_FULL     too many changes within few frames, or no room: try again after some frames
 * WEIR_E_USAGE  a part of it is too long
 * WEIR_E_NO_MEMORY, WEIR_E_TOO_LARGE, WEIR_E_CLOSED
 */
WEIR_API enum weir_result WEIR_CALL
weir_set_format(struct weir_publisher *publisher, const struct weir_format *format);

/* ---- subscribe ----------------------------------------------------------------------------------------------- */

/**
 * Subscribe to a topic, or to all topics that match a pattern: to all publishers, those that come later too.
 *
 * @subscriber  out: the caller's until weir_subscriber_close()
 * @topic       its exact name, or a pattern: '*' matches within a segment, a segment "**" any number of segments
 * @options     NULL: all defaults
 *
 * With a pattern each frame and event names its topic; topics that the policy denies or of another type are passed
 * over, and it counts for 16 subscriptions. Blocks for the broker, and up to 500 ms for a publisher whose process is
 * stopped. Any thread.
 *
 * WEIR_OK        also when nobody publishes yet
 * WEIR_E_DENIED  the policy grants no 'subscribe' (reliable: no 'stall'), or every publisher refuses reliable readers;
 *                of a pattern: to none of the topics that are there, or to none that there could be
 * WEIR_E_TYPE    there are publishers, but none of this type; both names are in the sentence
 * WEIR_E_QUOTA, WEIR_E_NO_MEMORY, WEIR_E_NO_BROKER, WEIR_E_NO_PATH, WEIR_E_CLOSED, WEIR_E_USAGE, WEIR_E_SYSTEM
 */
WEIR_API enum weir_result WEIR_CALL
weir_subscriber_open(struct weir_subscriber **subscriber, struct weir *bus, const char *topic,
                     const struct weir_subscriber_options *options);

/** Close it; frames that are out stay valid until they are released. NULL is fine. One thread. */
WEIR_API void WEIR_CALL
weir_subscriber_close(struct weir_subscriber *subscriber);

/**
 * Take the next frame: of each publisher in order, publishers in turn. One thread.
 *
 * @timeout_ns  how long to wait; WEIR_NOW does not
 * @frame       out: the caller's until weir_release(), whatever is closed meanwhile; NULL unless WEIR_OK
 *
 * WEIR_OK, WEIR_EMPTY  nothing within the timeout
 * WEIR_ENDED           with .until_end: there were publishers, and the last one has gone
 * WEIR_INTERRUPTED     instead of waiting
 * WEIR_E_HELD          frames_max frames are out, and another one is there
 * WEIR_E_EVICTED       said once: a publisher gave this reliable subscriber up; its other publishers go on
 * WEIR_E_DENIED        the right to subscribe was withdrawn; close it
 * WEIR_E_CLOSED, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_take(struct weir_subscriber *subscriber, int64_t timeout_ns, const struct weir_frame **frame);

/** Take up to `max` frames that are there; *n says how many. As weir_take() with WEIR_NOW; WEIR_OK if *n > 0. */
WEIR_API enum weir_result WEIR_CALL
weir_take_many(struct weir_subscriber *subscriber, const struct weir_frame **frames, uint32_t max, uint32_t *n);

/** Give a frame back. Any thread, in any order, also behind the close of subscriber and bus. NULL is fine. */
WEIR_API void WEIR_CALL
weir_release(const struct weir_frame *frame);

/**
 * Copy a frame's payload and verify the copy: for publishers that are not trusted to leave alone what they published.
 * Any thread.
 *
 * @to, @size  room for frame->size bytes
 *
 * WEIR_OK           the copy is what was published (as far as the publisher's hash policy covers it)
 * WEIR_E_CORRUPT    the publisher changed it
 * WEIR_E_TOO_LARGE  size is less than frame->size
 * WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_copy(const struct weir_frame *frame, void *to, uint64_t size);

/* ---- know ---------------------------------------------------------------------------------------------------- */

/** Figures of an endpoint of ours. info->size first. Any thread. WEIR_OK, WEIR_E_CLOSED, WEIR_E_USAGE. */
WEIR_API enum weir_result WEIR_CALL
weir_publisher_info(const struct weir_publisher *publisher, struct weir_info *info);
WEIR_API enum weir_result WEIR_CALL
weir_subscriber_info(const struct weir_subscriber *subscriber, struct weir_info *info);

/**
 * Ask the broker who it is: a frame's or an event's source. who->size first. Blocks, at most 2 s. Any thread.
 *
 * WEIR_OK
 * WEIR_E_CLOSED  it is there no more, or this process may not observe its topic (a publisher may ask for its readers)
 * WEIR_E_NO_BROKER, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_peer(struct weir *bus, uint64_t source, struct weir_peer *who);

/**
 * What there is: topics that match the pattern (endpoints 0), or each of their endpoints (1), as far as this process
 * may observe them. Blocks, at most 2 s. Any thread.
 *
 * @pattern  '*' matches within a segment, "**" any number of segments; NULL: all
 * @row      called for each in this thread, after the answer is complete; returns 0 to go on
 *
 * WEIR_OK, WEIR_E_NO_BROKER, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_list(struct weir *bus, const char *pattern, int endpoints, int (*row)(const struct weir_row *row, void *user),
          void *user);

/**
 * Who is connected, how far behind, and what it has out: a line for each publisher and subscriber of the topics that
 * match, and for "**" each connection that has neither; or (refusals 1) the last 64 refusals. As far as this process
 * may observe the topics; idle connections and refusals are told to themselves and to full trust of the broker's own
 * user. Blocks, at most 2 s. Any thread.
 *
 * @pattern  as of weir_list()
 * @seat     called for each in this thread, after the answer is complete; returns 0 to go on
 *
 * WEIR_OK, WEIR_E_NO_BROKER, WEIR_E_USAGE
 */
WEIR_API enum weir_result WEIR_CALL
weir_who(struct weir *bus, const char *pattern, int refusals, int (*seat)(const struct weir_seat *seat, void *user),
         void *user);

/** How the broker is. state->size first. Blocks, at most 2 s. Any thread. WEIR_OK, WEIR_E_NO_BROKER, WEIR_E_USAGE. */
WEIR_API enum weir_result WEIR_CALL
weir_broker_status(struct weir *bus, struct weir_broker_state *state);

/** Stop the broker. Full trust of its own user only, else WEIR_E_DENIED. Blocks, at most 2 s. Any thread. */
WEIR_API enum weir_result WEIR_CALL
weir_broker_stop(struct weir *bus);

/**
 * Let the broker read its policy file again. Whoever loses a right by it is told at once. Full trust of the broker's
 * own user only. Blocks, at most 2 s. Any thread.
 *
 * WEIR_OK, WEIR_E_DENIED, WEIR_E_NO_BROKER; WEIR_E_USAGE: an error with file, line and column, the old policy stays
 */
WEIR_API enum weir_result WEIR_CALL
weir_broker_reload(struct weir *bus);

/**
 * Ask the broker to listen at `path` for one package: put only this socket into its sandbox, and what comes through it
 * is that package. Full trust of the broker's own user only, else WEIR_E_DENIED. Blocks, at most 2 s. Any thread.
 */
WEIR_API enum weir_result WEIR_CALL
weir_package_socket(struct weir *bus, const char *package, const char *path);

/** The clock of all times here: CLOCK_MONOTONIC; on Windows QueryPerformanceCounter as nanoseconds. */
WEIR_API int64_t WEIR_CALL
weir_now(void);

/** This thread's last failure, with the remedy. Valid until its next one. */
WEIR_API const char *WEIR_CALL
weir_error(void);

/** The word for a result: "denied". */
WEIR_API const char *WEIR_CALL
weir_result_text(int result);

/** Of the library that was loaded: 0x000100 is 0.1.0. */
WEIR_API uint32_t WEIR_CALL
weir_version(void);

#ifdef __cplusplus
}

/* C++ has no compound literals, and named fields only since C++20; gcc and clang have had them since C++11, and are
 * told that this is meant. */
template <typename T>
static inline const T *
weir_in_place(const T &options)
{
        return &options;
}
#        define WEIR_QUIET(warning) _Pragma(warning)
#        ifdef __clang__
#                define WEIR_NAMED_FIELDS WEIR_QUIET("GCC diagnostic ignored \"-Wc++20-designator\"")
#        else
#                define WEIR_NAMED_FIELDS                                                                      \
                        WEIR_QUIET("GCC diagnostic ignored \"-Wpragmas\"") /* gcc 11 does not know the next */ \
                        WEIR_QUIET("GCC diagnostic ignored \"-Wc++20-extensions\"")
#        endif
#        define WEIR_IN_PLACE(type, ...)                                                      \
                weir_in_place([&]() -> type {                                                 \
                        WEIR_QUIET("GCC diagnostic push")                                     \
                        WEIR_QUIET("GCC diagnostic ignored \"-Wmissing-field-initializers\"") \
                        WEIR_NAMED_FIELDS                                                     \
                        return type{ .size = sizeof(type), __VA_ARGS__ };                     \
                        WEIR_QUIET("GCC diagnostic pop")                                      \
                }())
#endif
#include <weir/ticket.h>
#endif
