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
        [ -e build-release/clients/cli/weir ] || echo 'building (a minute or two)' >&2
        configured build-release --buildtype release -Db_lto=true -Dtests=false
        ninja -C build-release -j "$JOBS" >build-release/ninja.log || {
                tail -n 40 build-release/ninja.log >&2
                die 'the build failed'
        }
}
