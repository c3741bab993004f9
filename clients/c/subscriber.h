/*
 * A subscriber: the lanes of all publishers of a topic, taken in turn, and the frames that are out.
 *
 *      who                     may touch
 *      the taking thread       everything; the list of lanes only under the lock
 *      the control thread      puts new lanes into `arrivals` (under the lock), tells a lane that it is over
 *      any thread              releases frames; looks and sleeps for weir_next() (under the lock)
 *
 * A frame that is out keeps the subscriber's frames, and, if its payload is a block, the lane's mapping and its
 * announcement. Both counts take care of themselves: nothing is counted per frame but blocks.
 */
#ifndef WR_SUBSCRIBER_H
#define WR_SUBSCRIBER_H

#include "bus/lane.h"
#include "bus/return.h"
#include "clients/c/bus.h"

#include <stdatomic.h>

/* A publisher's lane as we read it. Counted: by the subscriber, each block that is out, and each sleeper. */
#define WR_SUBSCRIBER_SPOILT \
        "the lane of publisher '%s' of '%s' goes on producing frames that are not whole and was dropped"

struct wr_lane_link {
        struct wr_lane_reader reader;
        wr_word32 references;
        wr_word32 over;            /* nothing more comes: drained, it has left */
        wr_word32 stranded;        /* END named a lane that has not come yet */
        uint32_t sleepers;         /* under the subscriber's lock */
        struct wr_helped helped;   /* its wake word */
        struct wr_lane_link *next; /* arrivals */
        struct wr_lane_link *control_next;
        struct wr_lane_link *followers; /* lanes that may go on where this one ends; under the subscriber's lock */
        struct wr_lane_link *next_follower;
        struct wr_lane_link *next_stranded; /* the control thread's */
        int64_t stranded_until_ns;
        bool leaps;    /* those between it and the lane whose follower it is never came */
        bool has_left; /* under the lock: nothing follows it any more */
        struct weir_subscriber *subscriber;
        struct wr_peer *peer;
        wr_object object; /* the control thread's, to ask the kernel what is committed */
        void *segment, *page;
        uint64_t page_bytes, pair, source;
        struct wr_relayed_numbers *numbers; /* of a relayed one: what its frames are called at their source */
        wr_word lost, skipped, corrupt;     /* the reader's sums, for onlookers */
        int32_t reason;                     /* why it is over; written before `over` */
        const struct weir_format *format;   /* of format_number */
        uint64_t format_number;
        struct wr_job finish, strand;
        const char *topic; /* of the frames: the subscriber's, or topic_name's */
        struct wr_name *topic_name;
        char text[WR_EVENT_TEXT_MAX], name[64];
};

/* The name of a topic that a pattern matched; see name.c. */
struct wr_name {
        struct wr_name *next;
        uint32_t lanes;
        char text[208];
};

struct wr_frame {
        struct weir_frame open; /* its first member */
        struct weir_subscriber *subscriber;
        struct wr_lane_link *lane; /* of its block, or NULL */
        struct wr_frame *next;     /* of the free ones */
        uint8_t *copy;             /* small payloads, and every extension */
        wr_word32 out;             /* enum wr_return_word */
        uint32_t announcement;
        struct wr_taken taken; /* what weir_copy() verifies with */
};

/* A format as frames point at it; kept while any of them is out. */
struct wr_format {
        struct weir_format open;
        struct wr_format *next;
        uint64_t size;
        uint8_t bytes[];
};

/* Of an agent: what the far end of its stream said last. */
struct wr_far_figures {
        bool is_there;
        uint64_t frames, bytes, lost, skipped, corrupt, out, copied_bytes;
        uint64_t lag_frames; /* on the stream and with the client, when it said so */
        int64_t oldest_ns;   /* when the oldest of those with the client was published; 0: none is there */
        uint64_t sent;       /* then */
        int64_t heard_ns;    /* that was when; before that: when the stream began */
        int64_t unheard_ns;  /* when the first frame was published that was sent since; 0: none was */
};

struct weir_subscriber {
        struct weir *bus;
        wr_word32 closed;
        wr_word32 revoked;      /* as of a publisher */
        wr_word32 references;   /* handle, control thread, each lane, all frames together */
        wr_word32 arrivals_due; /* looked at by every take */
        struct wr_lane_link **lanes;
        uint32_t lane_count, lane_room, turn;
        uint32_t stay;      /* frames that the lane whose turn it is may still give before the others have theirs */
        bool had_lane;      /* until_end: there was a publisher */
        wr_word32 end_told; /* a take said WEIR_ENDED: weir_next() says no more of it */
        struct wr_frame *frames, *spare, *free_frames;
        struct wr_frame *last; /* taken last: back already, as a rule */
        uint32_t frames_max;
        struct wr_returns returns; /* of frames */
        struct wr_format *formats;
        struct wr_name *names; /* under the lock */
        bool has_idle_name;    /* likewise: one of them may have no lane any more */
        bool is_pattern;       /* `topic` is one */
        int64_t opened_ns;
        wr_word frames_taken, bytes, copied_bytes, releases, full, waits, told;
        uint32_t in_row, stream_after; /* frames met with hardly a look between them; so many more make a stream */
        bool stood_back;
        bool tells_room; /* who takes tells publishers of room itself */
        uint32_t heel_frames,
                heel_more;              /* since the last look whether we are at the publisher's heels, and until one */
        wr_word lost, skipped, corrupt; /* of lanes that have left */
        void (*heir)(void *context, const struct wr_lane_link *lane); /* of an agent: hears of each of them, or NULL */
        void *heir_context;
        wr_mutex lock; /* lanes (the list), arrivals, sleepers */
        struct wr_lane_link *arrivals;
        wr_mutex shared_lock;
        struct weir_subscriber *next; /* of the bus */
        struct wr_left left;
        struct weir_subscriber *control_next;
        struct wr_lane_link *control_lanes;
        uint64_t id;
        struct wr_relayed
                *relayed; /* its far end; NULL: its lanes are its publishers' own. Set before any lane comes */
        struct wr_question *opening; /* the control thread's, while it opens */
        uint32_t lanes_due;          /* announced then, not yet here */
        struct wr_far_figures far;   /* under the lock */
        wr_word sent;                /* of an agent: frames that went into its stream */
        int32_t declined;            /* why the last lane that did not come did not */
        char revoked_text[WR_CONTROL_SENTENCE_MAX];
        struct weir_subscriber_options options;
        char topic[208], type[128];
};

void
wr_subscriber_shut(struct weir_subscriber *s);

void
wr_subscriber_drop(struct weir_subscriber *s);

/* Control thread: the subscription is there, with so many lanes to come; q is its opening. False: the opener waits on,
 * for these. */
bool
wr_subscriber_opened(struct wr_control *c, struct wr_question *q, uint64_t id, uint32_t lanes);

/* info.c: its figures; before its frames are closed. */
struct weir_info
wr_info_of_subscriber(struct weir_subscriber *s);

/* What SUBSCRIBE says of it. */
void
wr_subscriber_describe(const struct weir_subscriber *s, struct wr_message_subscribe *m);

enum weir_result
wr_subscriber_check(const struct weir_subscriber *s);

/* Would a take say anything but WEIR_EMPTY? Any thread; may say yes wrongly. Takes the lock. */
bool
wr_subscriber_ready(struct weir_subscriber *s);

/* Lanes that came are put into the list. Taking thread. */
void
wr_subscriber_adopt(struct weir_subscriber *s);

/* The lane is no longer taken from: event, counters, and its end when nothing of it is out. Taking thread. */
void
wr_subscriber_leave(struct weir_subscriber *s, struct wr_lane_link *lane, int32_t reason, const char *text);

/* lane_move.c. Its END was read: goes on in the lane that it names, or waits for it. WEIR_EMPTY, or WEIR_E_EVICTED:
 * this reliable subscriber missed something. Taking thread. */
enum weir_result
wr_lane_go_on(struct weir_subscriber *s, struct wr_lane_link *lane);

/* Control thread: is it the successor of a lane that we read? Then that one is ready, and nobody need hear of it. */
bool
wr_lane_follow(struct weir_subscriber *s, struct wr_lane_link *lane);

/* Lanes that were to follow one that leaves, and those that were to follow them. */
void
wr_lane_followers_drop(struct wr_lane_link *lane);

/* Of one publisher's lanes so many are mapped at most: one that is read, and those that wait for an end. */
enum { WR_LANES_IN_ROW_MAX = 16 };

/* Control thread: may one more lane of this publisher wait? */
bool
wr_lane_may_follow(struct weir_subscriber *s, uint64_t source);

/* Control thread: the lane is over. True: it waited for another one's end, had not begun, and has left. */
bool
wr_lane_forgo(struct wr_lane_link *lane);

/* Control thread: who waited in vain. Returns when to look again. */
int64_t
wr_lanes_stranded(struct wr_control *c, int64_t now_ns);

/* What a lane that goes had lost and skipped. Taking thread. */
void
wr_subscriber_add_up(struct weir_subscriber *s, const struct wr_lane_link *lane);

/* The last one tells the control thread to finish it. */
void
wr_subscriber_lane_drop(struct wr_lane_link *lane);

/* relayed_numbers.h: a reliable subscriber is told what it missed while its stream was lost. WEIR_OK: nothing. */
enum weir_result
wr_lane_gap(struct weir_subscriber *s, struct wr_lane_link *lane);

/* control_lanes.c: what is committed of the lane now; asked of the control thread. */
enum weir_result
wr_control_lane_grow(struct wr_lane_link *lane);

/* frame.c */
enum weir_result
wr_frames_open(struct weir_subscriber *s, uint32_t count);

/* A free frame, or NULL. Taking thread. */
struct wr_frame *
wr_frames_get(struct weir_subscriber *s);

/* The next release wakes the sleepers of the bus. False: there is a free frame already. Taking thread, which found none
 * free. */
bool
wr_frames_hold(struct weir_subscriber *s);

/* Would a take find no free frame, as the last one did? Any thread. */
bool
wr_frames_held(struct weir_subscriber *s);

/* From now on the last release frees them. */
void
wr_frames_close(struct weir_subscriber *s);

/* format.c: the format in force for a lane's frames, as an object that stays while a frame has it; NULL: none, or
 * no memory, or not the type that was asked for (*mismatch). Taking thread. */
const struct weir_format *
wr_format_of(struct weir_subscriber *s, struct wr_lane_link *lane, bool *mismatch);

void
wr_formats_free(struct weir_subscriber *s);

/* name.c: the lane's topic, as a string that stays while lane or frames have it. WEIR_E_NO_MEMORY. Control thread. */
enum weir_result
wr_name_hold(struct weir_subscriber *s, struct wr_lane_link *lane, const char *topic);

void
wr_name_let_go(struct weir_subscriber *s, struct wr_lane_link *lane);

/* Frees names that nobody has. Taking thread, which holds the lock. */
void
wr_names_collect(struct weir_subscriber *s);

void
wr_names_free(struct weir_subscriber *s);

/* Grants of at most so many frames. */
enum { WR_FRAMES_DEFAULT = 16 };

/* WR_PAIR_FENCES, of its pairs. */
static inline bool
wr_subscriber_fences(const struct weir_subscriber *s)
{
        return s->relayed || s->bus->stands_in[0];
}

#endif
