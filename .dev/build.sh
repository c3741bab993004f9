# Build folders: one per purpose, made once, brought up to date by ninja. Sourced by ./dev.

JOBS=$(nproc)

# configured FOLDER OPTION...: the folder, made ready by meson unless it is already
configured() {
        local folder=$1
        shift

        [ -e "$folder/build.ninja" ] || meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
                cat "$folder.log" >&2
                die "meson setup $folder failed"
        }
        rm -f "$folder.log"
}

build_gcc() {
        CC=gcc configured build
        ninja -C build -j "$JOBS"
}

build_clang() {
        CC=clang-14 configured build-clang
        ninja -C build-clang -j "$JOBS"
}

# What a user would install, optimised, without the tests: for the demo and for figures.
build_release() {
        configured build-release --buildtype release -Db_lto=true -Dtests=false
        ninja -C build-release -j "$JOBS" >build-release/ninja.log || {
                tail -n 40 build-release/ninja.log >&2
                die 'the build failed'
        }
}

# The Windows halves, the portable data plane and the rights, as objects: there is no Windows here to run them on.
build_windows() {
        local include=build-windows/include file object

        mkdir -p $include
        cp /usr/include/xxhash.h /usr/include/xxh3.h $include/
        for file in bus/*.c bus/os/*_win32.c named-objects/*_win32.c named-objects/rights/*.c; do
                case $file in *_linux.c) continue ;; esac
                object=build-windows/$(echo "${file%.c}" | tr / -).o
                x86_64-w64-mingw32-gcc-posix -std=gnu11 -O2 -Wall -Wextra -Werror -Wconversion -Wshadow \
                        -Wstrict-prototypes -Wmissing-prototypes -D_WIN32_WINNT=0x0A00 -DWIN32_LEAN_AND_MEAN \
                        -I . -I $include -c "$file" -o "$object" || return 1
        done
        for file in region signal; do
                [ -e "build-windows/named-objects-${file}_win32.o" ] || die "named-objects/${file}_win32.c is missing"
        done
        for file in clock memory barrier error; do
                [ -e "build-windows/bus-os-${file}_win32.o" ] || die "bus/os/${file}_win32.c is missing"
        done
        find build-windows -name '*.o' | wc -l | xargs printf '%s objects compiled for Windows\n'
}
