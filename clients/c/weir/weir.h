/* weir.h 1.0. UTF-8 strings, bytes, nanoseconds. Every option left 0 is its default. No call allocates, locks or makes a
 * system call for a frame while both sides are awake. "one": one thread at a time per object; "any": any thread, any time. */
#ifndef WEIR_H
#define WEIR_H
#include <stdint.h>
#include <weir/result.h>           /* enum weir_result: values never change; > 0 ordinary, < 0 failure: weir_error() has the sentence */
#ifdef __cplusplus
extern "C" {
#endif
#ifdef _WIN32
typedef void *weir_native;          /* a HANDLE: manual-reset event */
#define WEIR_CALL __cdecl
#else
typedef int weir_native;            /* a descriptor for poll, epoll, GLib, libuv, asyncio */
#define WEIR_CALL
#endif
#define WEIR_NOW     INT64_C(0)     /* timeouts: do not wait */
#define WEIR_FOREVER INT64_MAX
#define WEIR_NONE    UINT32_MAX     /* counts: explicitly none, where 0 means the default */

enum { WEIR_ANY_PATH = 0, WEIR_SHM = 1, WEIR_PIPE = 2, WEIR_TCP = 3, WEIR_VSOCK = 4, WEIR_IVSHMEM = 5 };     /* paths */
enum { WEIR_LOSSY = 0, WEIR_RELIABLE = 1 };                                                                  /* delivery */
enum { WEIR_MAY_SUBSCRIBE = 1, WEIR_MAY_PUBLISH = 2, WEIR_MAY_MAP = 4, WEIR_MAY_OBSERVE = 8, WEIR_MAY_STALL = 16 };    /* rights */
enum { WEIR_HASH_FULL = 0, WEIR_HASH_HEADER = 1, WEIR_HASH_NONE = 2 };
enum { WEIR_MORE = 1 /* wake nobody yet */, WEIR_KEEP = 2 /* loan stays readable and mine after publish */,
       WEIR_GAP = 4 /* not continuous with the frame before */, WEIR_DELTA = 8 /* useless without earlier frames */,
       WEIR_OLD = 16 /* read only: published before this subscriber joined */ };        /* bits 16..31: the user's */

struct weir;                        /* a bus: one connection, one event queue, one native handle */
struct weir_publisher;
struct weir_subscriber;

struct weir_format {                /* what the bytes are; the library copies what it is given */
        const char *type;           /* "video/x-raw", "sensor_msgs/PointCloud2"; compared byte for byte */
        const char *encoding;       /* how schema reads: "gst-caps", "numpy", "ros2msg", "protobuf", "" */
        const void *schema;
        uint64_t schema_size;
};
struct weir_about {                 /* what may go with a frame; costs header bytes only when set */
        int64_t stamp_ns;           /* capture or presentation time on weir_now()'s clock; 0: not given */
        uint64_t tag;               /* the user's */
        const void *meta;           /* up to 1024 bytes beside the payload (strides, crop, trace id); copied at publish */
        uint32_t meta_size, flags;
};
struct weir_loan {                  /* the library's; grows at its end. Write data, lower size, fill about, publish */
        void *data;                 /* aligned to payload_align, contents undefined */
        uint64_t size;
        struct weir_about about;
};
struct weir_frame {                 /* the library's, constant until released; grows at its end */
        const void *data;           /* in place, or a private copy when small; 64 more bytes are readable after size */
        uint64_t size;
        struct weir_about about;
        uint64_t sequence;          /* per source, from 1 */
        int64_t published_ns;       /* weir_now()'s clock, same in all processes of the machine */
        uint64_t lost, skipped;     /* just before this frame: overrun against my wish; passed over because of keep */
        uint64_t source;            /* which publisher: weir_peer() tells who that is */
        const char *topic;          /* matters with patterns */
        const struct weir_format *format;   /* in force for this frame; same pointer while unchanged */
        uint32_t kind, reserved;    /* 0: bytes */
};
struct weir_event {                 /* the library's, until the next weir_next() of this bus */
        uint32_t kind;              /* enum below */
        int32_t reason;             /* a weir_result: why it left, was refused, changed path */
        void *user;                 /* the endpoint's .user */
        struct weir_publisher *publisher;
        struct weir_subscriber *subscriber;
        const char *topic, *text;   /* text: the sentence */
        uint64_t source, count;     /* count: readers, publishers or frames, by kind */
};
enum { WEIR_FRAMES = 1 /* take until WEIR_EMPTY */, WEIR_ROOM = 2 /* after WEIR_FULL */, WEIR_JOINED = 3, WEIR_LEFT = 4,
       WEIR_LISTED = 5 /* watch: all that existed was told */, WEIR_PATH = 6, WEIR_EVICTED = 7, WEIR_REVOKED = 8,
       WEIR_BROKER_LOST = 9, WEIR_BROKER_BACK = 10 };

struct weir_options {
        uint32_t size, flags;
        const char *name;           /* shown by `weir who`; default: the program's name */
        const char *address;        /* which broker; default: WEIR_BROKER, then the documented list */
        const char *ticket;         /* redeem "weir-ticket:..."; it names its broker */
        int64_t open_timeout_ns;    /* wait for a broker to appear; default 2 s */
        int (WEIR_CALL *embed)(const char *address);  /* weir_broker_embed of <weir/broker.h>; default NULL: do not embed */
};
struct weir_publisher_options {
        uint32_t size, history;     /* newest frames kept for who joins later; default 0 */
        const struct weir_format *format;             /* default: bytes */
        uint64_t memory_max;        /* ring and payloads together; address space until touched; default 1 GiB */
        uint32_t payload_align;     /* default 64; 4096 for direct I/O and devices */
        uint32_t loans_max;         /* default 64 */
        uint32_t hash;              /* default WEIR_HASH_FULL */
        uint32_t refuse_reliable;   /* 1: nobody may make me wait; default 0 */
        int64_t stall_ns;           /* a reliable subscriber that moves nothing for so long is evicted; default 5 s */
        uint32_t require, shared;   /* a path; 1: the "one" calls lock, any thread may call */
        uint32_t prefault, huge;    /* 1: touch memory_max at open; 1: ask for huge pages */
        void *user;
};
struct weir_subscriber_options {
        uint32_t size, delivery;    /* default WEIR_LOSSY: never holds a publisher up, loss is counted */
        uint32_t keep;              /* per source: 1 newest only, N newest N; default: all the lane still has */
        uint32_t history;           /* of what publishers keep; default all, WEIR_NONE */
        uint32_t frames_max;        /* frames taken and not yet released; default 16 */
        uint32_t verify;            /* hash of every Nth frame; default 1, WEIR_NONE */
        const char *type;           /* connect only to this format type; default any */
        int64_t spin_ns;            /* before sleeping; default 20 us, WEIR_FOREVER, -1 never */
        uint32_t require, shared, until_end, reserved;
        void *user;
};
struct weir_info {                  /* fill size first; same for both kinds of endpoint */
        uint32_t size, path, copies, peers;           /* peers now connected: readers or publishers */
        uint64_t frames, bytes, lost, skipped, corrupt, full, waits, out; /* out: frames or loans not given back */
        uint64_t copied_bytes;      /* payload bytes that the library copied: copies per frame = copied_bytes / bytes */
        char why[256];              /* path and its reason: "pipe: has 'subscribe', not 'map' (policy.conf:12)" */
};
struct weir_peer { uint32_t size, pid; char identity[256], name[64]; };   /* as the kernel vouched to the broker */

struct weir_row {                   /* a line of weir_list(): a topic, or one of its endpoints; valid inside the call back */
        uint32_t size, publishes, pid, delivery, path, peers, publishers, subscribers;
        uint64_t id, source, frames, bytes, lost, skipped, corrupt, full, waits, out, memory_bytes;
        const char *topic, *type, *name, *identity;
};
struct weir_broker_state {          /* fill size first */
        uint32_t size, pid, scope, sessions, topics, lanes, pairs, subscriptions, refusals, reserved;
        uint64_t uptime_ns, reserve_bytes;
        char version[32], address[256], policy[256];
};

#define WEIR_OPTIONS(...)    (&(struct weir_options){ .size = sizeof(struct weir_options), __VA_ARGS__ })
#define WEIR_PUBLISHER(...)  (&(struct weir_publisher_options){ .size = sizeof(struct weir_publisher_options), __VA_ARGS__ })
#define WEIR_SUBSCRIBER(...) (&(struct weir_subscriber_options){ .size = sizeof(struct weir_subscriber_options), __VA_ARGS__ })
#ifndef WEIR_API
#ifdef _WIN32
#define WEIR_API
#else
#define WEIR_API __attribute__((visibility("default")))
#endif
#endif
#define WEIR_R WEIR_API enum weir_result WEIR_CALL

/* bus */
WEIR_R weir_open(struct weir **bus, const struct weir_options *o);                 /* any; blocks up to open_timeout_ns */
WEIR_API void WEIR_CALL weir_close(struct weir *bus);                                     /* endpoints close, taken frames stay valid */
WEIR_R weir_next(struct weir *bus, int64_t timeout_ns, const struct weir_event **e); /* one; frames, room, comings, goings */
WEIR_API weir_native WEIR_CALL weir_wakeup(struct weir *bus);                             /* level; never read, reset or close it */
WEIR_API void WEIR_CALL weir_interrupt(struct weir *bus, int on);                         /* any, signal handlers too; until off */
/* publish */
WEIR_R weir_publisher_open(struct weir_publisher **p, struct weir *bus, const char *topic, const struct weir_publisher_options *o);
WEIR_API void WEIR_CALL weir_publisher_close(struct weir_publisher *p);                   /* subscribers still drain what was published */
WEIR_R weir_publish(struct weir_publisher *p, const void *data, uint64_t size, const struct weir_about *a, int64_t timeout_ns);
WEIR_R weir_lend(struct weir_publisher *p, uint64_t size, int64_t timeout_ns, struct weir_loan **loan);       /* one */
WEIR_R weir_loan_publish(struct weir_loan *loan);                                  /* one; never waits; loan is gone unless KEEP */
WEIR_API void WEIR_CALL weir_loan_discard(struct weir_loan *loan);                        /* any; also after publisher_close */
WEIR_R weir_set_format(struct weir_publisher *p, const struct weir_format *f);     /* one; in order, from the next frame */
/* subscribe: topic, or a pattern: "lidar/" then a star, "cam/" then two stars */
WEIR_R weir_subscriber_open(struct weir_subscriber **s, struct weir *bus, const char *topic, const struct weir_subscriber_options *o);
WEIR_API void WEIR_CALL weir_subscriber_close(struct weir_subscriber *s);                 /* memory stays until the last release */
WEIR_R weir_take(struct weir_subscriber *s, int64_t timeout_ns, const struct weir_frame **frame);             /* one */
WEIR_R weir_take_many(struct weir_subscriber *s, const struct weir_frame **frames, uint32_t max, uint32_t *n); /* one; no wait */
WEIR_API void WEIR_CALL weir_release(const struct weir_frame *frame);                     /* any, any order, NULL allowed */
WEIR_R weir_copy(const struct weir_frame *frame, void *to, uint64_t size);         /* any; verifies the copy: hostile publishers */
/* know */
WEIR_R weir_publisher_info(const struct weir_publisher *p, struct weir_info *i);   /* any */
WEIR_R weir_subscriber_info(const struct weir_subscriber *s, struct weir_info *i); /* any */
WEIR_R weir_peer(struct weir *bus, uint64_t source, struct weir_peer *who);        /* any; asks the broker */
/* What the broker lists: topics that match the pattern (endpoints 0), or each of their endpoints (1). row() returns 0 to
 * go on. Blocks for the answer, at most 2 s. any */
WEIR_R weir_list(struct weir *bus, const char *pattern, int endpoints, int (*row)(const struct weir_row *row, void *user), void *user);
WEIR_R weir_broker_status(struct weir *bus, struct weir_broker_state *state);
WEIR_R weir_broker_stop(struct weir *bus);                                       /* full trust of the broker's user only */
/* Asks the broker to listen at `path` for one package: put only this socket into its sandbox, and every connection
 * through it is that package. Full trust of the broker's user only. Blocks for the answer, at most 2 s. any */
WEIR_R weir_package_socket(struct weir *bus, const char *package, const char *path);
WEIR_API int64_t WEIR_CALL weir_now(void);                                                /* CLOCK_MONOTONIC; on Windows QPC as ns */
WEIR_API const char *WEIR_CALL weir_error(void);                                          /* this thread's last failure, with the remedy */
WEIR_API const char *WEIR_CALL weir_result_text(int result);                              /* "denied" */
WEIR_API uint32_t WEIR_CALL weir_version(void);                                           /* of the library loaded: 0x010000 */
#undef WEIR_R
#ifdef __cplusplus
}
#endif
#endif
