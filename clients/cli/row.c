/* A row of weir_list(): one topic, or one endpoint of it. */
#include "clients/cli/row.h"

#include <inttypes.h>

const char *
row_path(uint32_t path)
{
        static const char *const names[] = { "-", "shm", "pipe", "tcp", "vsock", "ivshmem" };

        return path < sizeof names / sizeof names[0] ? names[path] : "?";
}

const char *
row_role(const struct weir_row *row)
{
        if (row->publishes)
                return "publisher";
        return row->delivery == WEIR_RELIABLE ? "reliable subscriber" : "subscriber";
}

void
row_add_endpoint(struct table *table, const struct weir_row *row)
{
        table_add(table, "%s", row_role(row));
        table_add(table, "%s", row->name);
        table_add(table, "%u", row->pid);
        table_add(table, "%s", row->identity);
        table_add(table, "%s", row_path(row->path));
        table_add(table, "%llu", (unsigned long long)row->frames);
        table_add_bytes(table, row->bytes);
        table_add(table, "%llu", (unsigned long long)row->lost);
        table_add(table, "%llu", (unsigned long long)row->skipped);
        table_add(table, "%llu", (unsigned long long)row->out);
}

double
row_copies(const struct weir_row *row)
{
        if (row->path == WEIR_PIPE || row->path == WEIR_TCP)
                return 2; /* the kernel's, on either side of the stream */
        return row->bytes > 0 ? (double)row->copied_bytes / (double)row->bytes : 0;
}

void
row_add_all(struct table *table, const struct weir_row *row)
{
        table_add(table, "%s", row_role(row));
        table_add(table, "%s", row->name);
        table_add(table, "%u", row->pid);
        table_add(table, "%s", row->identity);
        table_add(table, "%s", row_path(row->path));
        table_add(table, "%.3g", row_copies(row));
        table_add(table, "%u", row->peers);
        table_add(table, "%llu", (unsigned long long)row->frames);
        table_add_bytes(table, row->bytes);
        table_add(table, "%llu", (unsigned long long)row->lost);
        table_add(table, "%llu", (unsigned long long)row->skipped);
        if (row->lag_frames > 0)
                table_add_time(table, row->lag_ns);
        else
                table_add(table, "-");
        table_add(table, "%llu", (unsigned long long)row->out);
}

json_t *
row_name(uint64_t name)
{
        return json_sprintf("%016" PRIx64, name);
}

static json_t *
endpoint_json(const struct weir_row *row)
{
        return json_pack(
                "{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                "topic", row->topic, "type", row->type, "role", row->publishes ? "publisher" : "subscriber", "delivery",
                row->delivery == WEIR_RELIABLE ? "reliable" : "lossy", "pid", (int)row->pid, "name", row->name,
                "identity", row->identity, "id", row_name(row->id), "source", row_name(row->source), "peers",
                (int)row->peers, "frames", (json_int_t)row->frames, "bytes", (json_int_t)row->bytes, "lost",
                (json_int_t)row->lost, "skipped", (json_int_t)row->skipped, "corrupt", (json_int_t)row->corrupt, "full",
                (json_int_t)row->full, "waits", (json_int_t)row->waits, "out", (json_int_t)row->out, "memory_bytes",
                (json_int_t)row->memory_bytes);
}

json_t *
row_json(const struct weir_row *row, bool endpoint)
{
        json_t *object;

        if (!endpoint)
                return json_pack("{s:s, s:s, s:i, s:i}", "topic", row->topic, "type", row->type, "publishers",
                                 (int)row->publishers, "subscribers", (int)row->subscribers);
        object = endpoint_json(row);
        if (object == NULL)
                return NULL;
        json_object_set_new(object, "path", json_string(row_path(row->path)));
        json_object_set_new(object, "why", json_string(row->why));
        json_object_set_new(object, "copies", json_real(row_copies(row)));
        json_object_set_new(object, "copied_bytes", json_integer((json_int_t)row->copied_bytes));
        json_object_set_new(object, "lag_frames", json_integer((json_int_t)row->lag_frames));
        json_object_set_new(object, "lag_ns", json_integer((json_int_t)row->lag_ns));
        return object;
}
