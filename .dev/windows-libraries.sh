#!/usr/bin/env bash
# The libraries of weir and of its tests for Windows, which Debian has no packages of.
#
#   windows-libraries.sh TOOLS     builds them into TOOLS/libraries; TOOLS/mingw64.ini is the cross file
#
# They are built from Debian's own source packages, whose sums apt verifies against the signed lists. apt gets folders
# of its own: the lists name the sources of the same archives as this machine's, and nothing of its set-up is touched.
# Criterion's build is a subproject of its own with BoxFort, nanomsg and nanopb in it; what is mended in them stands at
# the line that does it.
set -euo pipefail

TOOLS=$1
LIBRARIES=$TOOLS/libraries
WORK=$TOOLS/work
CROSS=$TOOLS/mingw64.ini
TARGET=x86_64-w64-mingw32
SOURCES=(criterion boxfort nanomsg nanopb debugbreak jansson mimalloc xxhash)
HEADERS=(libhts-dev libbwa-dev) # klib, which Criterion's archive lacks: khash.h of the one, kvec.h of the other

die() {
        printf 'dev: %s\n' "$*" >&2
        exit 1
}

# logged NAME COMMAND...: its output is shown only where it fails. A shell of its own, which ends at the first line that
# fails: behind `||` or `if` it would go on, and an archive without objects passed for a library.
logged() {
        local log=$WORK/$1.log status
        shift

        set +e
        (
                set -e
                "$@"
        ) >"$log" 2>&1
        status=$?
        set -e
        [ $status = 0 ] || {
                tail -n 40 "$log" >&2
                die "this failed: $*"
        }
}

# The lines of this machine, for packages and for sources.
private_lists() {
        local file

        mkdir -p "$WORK/apt/parts" "$WORK/apt/lists/partial" "$WORK/apt/cache/archives/partial"
        for file in /etc/apt/sources.list.d/*.sources; do
                [ ! -e "$file" ] || sed 's/^Types:.*/Types: deb deb-src/' "$file" >"$WORK/apt/parts/${file##*/}"
        done
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
                [ ! -e "$file" ] || sed -n 's/^deb\(-src\)\? \(.*\)/deb \2\ndeb-src \2/p' "$file" |
                        sort -u >"$WORK/apt/parts/${file##*/}.list"
        done
}

apt() {
        apt-get -q -o APT::Sandbox::User=root -o Dir::Etc::sourceparts="$WORK/apt/parts" \
                -o Dir::Etc::sourcelist=/dev/null -o Dir::State::lists="$WORK/apt/lists" \
                -o Dir::Cache="$WORK/apt/cache" "$@"
}

# --tar-only: the authors' archive alone. Debian's own patches are not wanted, and not every mirror has them.
fetch() {
        local archive

        private_lists
        apt update || echo 'not every list came; trying with those that did'
        mkdir -p "$WORK/fetched"
        cd "$WORK/fetched"
        apt source --download-only --tar-only "${SOURCES[@]}"
        apt download "${HEADERS[@]}"
        cd "$WORK"
        for archive in fetched/*.orig.tar.*; do
                tar -xf "$archive"
        done
        for archive in fetched/*.deb; do
                dpkg-deb --fsys-tarfile "$archive" | tar -x --wildcards './usr/include/*'
        done
}

# cmake_library NAME FOLDER OPTION...
cmake_library() {
        local name=$1 folder=$2
        shift 2

        cmake -S "$folder" -B "build-$name" -G Ninja -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_C_COMPILER=$TARGET-gcc-posix \
                -DCMAKE_CXX_COMPILER=false -DCMAKE_CXX_COMPILER_WORKS=1 -DCMAKE_RC_COMPILER=$TARGET-windres \
                -DCMAKE_INSTALL_PREFIX="$LIBRARIES" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_BUILD_TYPE=Release \
                -DBUILD_SHARED_LIBS=OFF "$@"
        ninja -C "build-$name" install
}

# package NAME VERSION CFLAGS LIBS: its .pc
package() {
        mkdir -p "$LIBRARIES/lib/pkgconfig"
        cat >"$LIBRARIES/lib/pkgconfig/$1.pc" <<PC
Name: $1
Description: $1, static, for Windows
Version: $2
Cflags: -I$LIBRARIES/include $3
Libs: -L$LIBRARIES/lib $4
PC
}

mimalloc() {
        local source

        source=$(echo mimalloc-2.*)
        mkdir -p "$LIBRARIES/lib" "$LIBRARIES/include"
        # NDEBUG, else its padding moves every power of two into the next size class
        $TARGET-gcc-posix -O2 -DNDEBUG -DMI_STATIC_LIB -I"$source/include" -c "$source/src/static.c" -o mimalloc.obj
        $TARGET-gcc-ar-posix rcs "$LIBRARIES/lib/libmimalloc.a" mimalloc.obj
        cp "$source"/include/mimalloc*.h "$LIBRARIES/include/"
        package mimalloc "$(expr "$source" : 'mimalloc-\([0-9.]*\)')" '' '-lmimalloc -lbcrypt -lpsapi -ladvapi32'
}

# mended SCRIPT FILE: by sed, which has to find something
mended() {
        sed -i.old "$1" "$2"
        ! cmp -s "$2" "$2.old" ||
                die "${2##*/} is another one than is mended here: Debian 12 has BoxFort 0.1.2, Criterion 2.4.1"
}

criterion_tree() {
        local tree=$1

        cp usr/include/htslib/*.h "$tree/dependencies/klib/"
        cp usr/include/bwa/kvec.h "$tree/dependencies/klib/"
        cp debugbreak-*/debugbreak.h "$tree/dependencies/debugbreak/"
        rm -f "$tree"/subprojects/*.wrap
        mv BoxFort-* "$tree/subprojects/boxfort"
        mv nanomsg-* "$tree/subprojects/nanomsg"
        mv nanopb-* "$tree/subprojects/nanopb"
        # Criterion asks BoxFort for debuggers by words that came after BoxFort's last release.
        cat >>"$tree/subprojects/boxfort/include/boxfort.h" <<'H'

#ifndef BXF_DBG_GET_DEBUGGER
#define BXF_DBG_GET_DEBUGGER(Debugger) (Debugger)
#define BXF_DBG_ENABLE_FALLBACK(Debugger) ((void)0)
#endif
H
        # BoxFort measures the command line of a test's process by the path of the program, so that short paths do not
        # fit ("Could not spawn test instance: No child processes").
        mended 's/_sctprintf(fmt, filename, env_map);$/_sctprintf(fmt, env_map) + 1;/' \
                "$tree/subprojects/boxfort/src/sandbox-windows.c"
        # What test processes inherit lies in a mapping that cannot grow on Windows as BoxFort does it: the parameters
        # of large tests do not fit into 128 KiB.
        mended 's/bxf_arena_init(0, /bxf_arena_init(16 << 20, /' "$tree/src/compat/alloc.c"
}

criterion() {
        local tree option options=()

        tree=$(echo Criterion-*)
        criterion_tree "$tree"
        for option in diffs theories i18n cxx-support; do
                options+=("-D$option=disabled")
        done
        for option in samples tests boxfort:samples boxfort:tests; do
                options+=("-D$option=false")
        done
        meson setup build-criterion "$tree" --cross-file "$CROSS" --wrap-mode nodownload --default-library static \
                --buildtype release "${options[@]}"
        ninja -C build-criterion
        cp -r "$tree/include/criterion" "$LIBRARIES/include/"
        # meson's own archives only point to the objects
        rm -f "$LIBRARIES/lib/libcriterion.a"
        find build-criterion -name '*.obj' -print0 | xargs -0 $TARGET-gcc-ar-posix rcs "$LIBRARIES/lib/libcriterion.a"
        # CRITERION_BUILDING_DLL: not imported from a .dll
        package criterion "${tree#Criterion-}" -DCRITERION_BUILDING_DLL=1 '-lcriterion -lws2_32 -lmswsock -lshlwapi'
}

# A test that uses something of each: what is to be found in the archives is there, and for this machine's linker.
linked() {
        local options=()

        cat >linked.c <<'C'
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <mimalloc.h>
#include <xxhash.h>

Test(libraries, are_whole)
{
        json_t *number = json_integer((json_int_t)XXH3_64bits("weir", 4));
        void *block = mi_malloc_aligned(100, 64);

        cr_assert(ne(ptr, block, NULL));
        cr_assert(ne(int, json_is_integer(number), 0));
        mi_free(block);
        json_decref(number);
}
C
        read -ra options < <(PKG_CONFIG_LIBDIR=$LIBRARIES/lib/pkgconfig pkg-config --static --cflags --libs \
                criterion jansson mimalloc libxxhash)
        [ ${#options[@]} != 0 ]
        $TARGET-gcc-posix -std=gnu11 -static linked.c "${options[@]}" -o linked.exe
}

rm -rf "$WORK" "$LIBRARIES"
mkdir -p "$WORK" "$LIBRARIES"
cd "$WORK"
logged fetch fetch
logged jansson cmake_library jansson jansson-* \
        -DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF -DJANSSON_WITHOUT_TESTS=ON
logged xxhash cmake_library xxhash xxHash-*/cmake_unofficial -DXXHASH_BUILD_XXHSUM=OFF
logged mimalloc mimalloc
logged criterion criterion
logged linked linked
cd "$TOOLS"
rm -r "$WORK"
