/*
 * What one process asks another to do in its place, and the answer: both of fixed size, so that a child in a container
 * needs no more than one handle that it inherited. The same calls serve this process itself.
 */
#ifndef AUDIT_TASK_H
#define AUDIT_TASK_H

#include <stdint.h>
#include <windows.h>

enum { AUDIT_TASK_NAME_MAX = 400, AUDIT_TASK_LIST_MAX = 512 };

enum audit_task {
        AUDIT_OPEN,      /* kind, name, rights; of a pipe: access and flags */
        AUDIT_MAKE,      /* kind, name, list */
        AUDIT_CLOSE,     /* handle */
        AUDIT_DUPLICATE, /* handle, rights: a second handle in its own process */
        AUDIT_MAP,       /* handle, rights: FILE_MAP_... */
        AUDIT_PROTECT,   /* handle: map it to read, and make that writable */
        AUDIT_SIGNAL,    /* handle: set the event */
        AUDIT_SAY,       /* handle: write one byte to the pipe */
        AUDIT_PROCESS,   /* rights, id */
        AUDIT_LOOPBACK,  /* id: connect to this port of 127.0.0.1 */
        AUDIT_HYPERV,    /* a Hyper-V socket to this machine itself */
        AUDIT_SESSION,   /* answers in `value` */
        AUDIT_ADMIT,     /* a section's handle, rights; name: the SID, with a second one behind a blank */
        AUDIT_CLIENT,    /* of the service: who is at the other end of its pipe, by impersonation */
        AUDIT_LEAVE
};

enum audit_kind { AUDIT_EVENT, AUDIT_SECTION, AUDIT_PIPE };

struct audit_request {
        enum audit_task task;
        enum audit_kind kind;
        uint32_t rights, flags, id, list_bytes;
        uint64_t handle;
        char name[AUDIT_TASK_NAME_MAX];
        _Alignas(8) uint8_t list[AUDIT_TASK_LIST_MAX]; /* a descriptor; of no bytes: none */
};

struct audit_reply {
        uint32_t code;  /* GetLastError() */
        uint64_t value; /* a handle, to be closed with AUDIT_CLOSE; or a number */
        char text[200];
};

/* In this process. channel: where the request came from, NULL for none. */
void
audit_task_do(const struct audit_request *request, HANDLE channel, struct audit_reply *reply);

/* Serves one who asks, until he says AUDIT_LEAVE or is gone. */
void
audit_task_serve(HANDLE channel);

#endif
