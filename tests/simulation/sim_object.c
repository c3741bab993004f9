/*
 * What the kernel holds: regions, life-lines, flags, locks, and the broker's table of descriptors. No number is given
 * twice in a run, so whatever is used after its close is caught.
 */
#include "named-objects/flag.h"
#include "named-objects/lifeline.h"
#include "named-objects/lock.h"
#include "tests/simulation/sim.h"

#include <string.h>

enum { NUMBER_FIRST = 3, LOCKS_MAX = 4 };

static struct sim_object objects[SIM_OBJECTS_MAX];
static struct sim_object *numbers[SIM_NUMBERS_MAX];
static unsigned object_count, number_count, open_count;
static struct lock_file {
        bool is_there;
        struct sim_object *holder;
        char path[64];
} lock_files[LOCKS_MAX];
static struct sim_object flag; /* nobody ever waits for one, so one is all of them */

void
sim_objects_clear(void)
{
        memset(objects, 0, object_count * sizeof(*objects));
        memset(numbers, 0, number_count * sizeof(*numbers));
        flag = (struct sim_object){ .kind = SIM_FLAG };
        memset(lock_files, 0, sizeof(lock_files));
        object_count = open_count = 0;
        number_count = NUMBER_FIRST;
}

struct sim_object *
sim_object_new(enum sim_kind kind)
{
        struct sim_object *object = &objects[object_count];

        if (object_count == SIM_OBJECTS_MAX)
                sim_fail("the simulation is too small for so many objects");
        object_count++;
        object->kind = kind;
        return object;
}

enum weir_result
sim_object_open(struct sim_object *object, wr_object *number)
{
        *number = WR_NO_OBJECT;
        if (open_count + NUMBER_FIRST >= sim.plan.numbers_max)
                return WEIR_E_QUOTA;
        if (number_count == SIM_NUMBERS_MAX)
                sim_fail("the simulation is too small for so many descriptors");
        numbers[number_count] = object;
        *number = (wr_object)number_count++;
        object->broker++;
        open_count++;
        return WEIR_OK;
}

struct sim_object *
sim_object_any(wr_object number)
{
        struct sim_object *object = NULL;

        if (number >= 0 && (unsigned)number < number_count)
                object = numbers[number];
        if (!object)
                sim_fail("descriptor %d is used and is not open", number);
        return object;
}

struct sim_object *
sim_object_at(wr_object number, enum sim_kind kind)
{
        struct sim_object *object = sim_object_any(number);

        if (object->kind != kind)
                sim_fail("descriptor %d is used as kind %d and is of kind %d", number, kind, object->kind);
        return object;
}

unsigned
sim_objects_open(void)
{
        return open_count;
}

static void
closed(struct sim_object *object)
{
        open_count--;
        if (--object->broker == 0 && object->kind == SIM_SOCKET)
                sim_line_broker_closed(object->line);
}

void
wr_object_close(wr_object number)
{
        struct sim_object *object;

        if (number == WR_NO_OBJECT)
                return;
        sim_seam();
        object = number >= 0 && (unsigned)number < number_count ? numbers[number] : NULL;
        if (!object)
                sim_fail("descriptor %d is closed and is not open", number);
        if (sim_loop_has(number))
                sim_fail("descriptor %d is closed while the loop waits for it", number);
        numbers[number] = NULL;
        closed(object);
}

void
sim_objects_take_away(void)
{
        for (unsigned i = 0; i < number_count; i++) {
                if (numbers[i])
                        closed(numbers[i]);
                numbers[i] = NULL;
        }
}

void
sim_object_drop(struct sim_object *object)
{
        if (object->others == 0)
                sim_fail("the simulation drops an object that no client has");
        object->others--;
}

/* ---- regions -------------------------------------------------------------------------------------------------- */

enum weir_result
wr_region_create(wr_object *number, const char *name, uint64_t bytes)
{
        struct sim_object *region;

        (void)name;
        sim_seam();
        region = sim_object_new(SIM_REGION);
        region->bytes = bytes;
        return sim_object_open(region, number);
}

uint32_t
wr_region_names_taken(void)
{
        return 0;
}

enum weir_result
wr_region_allocate(wr_object number, uint64_t bytes)
{
        struct sim_object *region = sim_object_at(number, SIM_REGION);

        sim_seam();
        if (bytes != region->bytes)
                sim_fail("a page of %llu bytes is allocated with %llu", (unsigned long long)region->bytes,
                         (unsigned long long)bytes);
        if (sim_one_in(sim.plan.memory_odds))
                return WEIR_E_NO_MEMORY;
        region->is_allocated = true;
        return WEIR_OK;
}

enum weir_result
wr_region_seal(wr_object number)
{
        struct sim_object *region = sim_object_at(number, SIM_REGION);

        sim_seam();
        if (region->is_view || region->is_sealed)
                sim_fail("a region is sealed that is %s", region->is_view ? "a view" : "sealed already");
        region->is_sealed = true;
        return WEIR_OK;
}

enum weir_result
wr_region_check(wr_object number, uint64_t bytes, bool sealed)
{
        const struct sim_object *region = sim_object_at(number, SIM_REGION);

        sim_seam();
        return region->bytes == bytes && (!sealed || region->is_sealed) ? WEIR_OK : WEIR_E_CORRUPT;
}

enum weir_result
wr_region_read_only(wr_object number, wr_object *view)
{
        struct sim_object *region = sim_object_at(number, SIM_REGION), *made;

        sim_seam();
        made = sim_object_new(SIM_REGION);
        made->bytes = region->bytes;
        made->is_view = true;
        made->of = region;
        region->has_view = sim_object_open(made, view) == WEIR_OK;
        return region->has_view ? WEIR_OK : WEIR_E_QUOTA;
}

/* ---- life-lines, flags, locks --------------------------------------------------------------------------------- */

enum weir_result
wr_lifeline_create(wr_object process, wr_object *held, wr_object *watched)
{
        struct sim_object *ends[2];
        enum weir_result result;

        (void)process;
        sim_seam();
        ends[0] = sim_object_new(SIM_HELD);
        ends[1] = sim_object_new(SIM_WATCHED);
        ends[1]->of = ends[0];
        result = sim_object_open(ends[0], held);
        if (result == WEIR_OK) {
                result = sim_object_open(ends[1], watched);
                if (result < 0) { /* both or none, as pipe2 */
                        wr_object_close(*held);
                        *held = WR_NO_OBJECT;
                }
        }
        return result;
}

enum weir_result
wr_flag_create(wr_object *number)
{
        sim_seam();
        return sim_object_open(&flag, number);
}

static struct lock_file *
lock_at(const char *path)
{
        for (int i = 0; i < LOCKS_MAX; i++)
                if (!lock_files[i].is_there || strcmp(lock_files[i].path, path) == 0)
                        return &lock_files[i];
        sim_fail("the simulation is too small for so many locks");
}

enum weir_result
wr_lock_take(wr_object *lock, const char *path)
{
        struct lock_file *file = lock_at(path);

        sim_seam();
        *lock = WR_NO_OBJECT;
        if (file->is_there && file->holder->broker > 0)
                return WEIR_FULL;
        if (!file->is_there)
                snprintf(file->path, sizeof(file->path), "%s", path);
        file->is_there = true;
        file->holder = sim_object_new(SIM_LOCK);
        return sim_object_open(file->holder, lock);
}

bool
wr_lock_exists(const char *path)
{
        return lock_at(path)->is_there;
}

void
wr_lock_give(wr_object lock, const char *path)
{
        if (lock == WR_NO_OBJECT)
                return;
        lock_at(path)->is_there = false;
        wr_object_close(lock);
}
