# libFuzzer over the targets of tests/fuzz. Sourced by ./dev.

fuzz_targets() {
        find tests/fuzz -name '*_fuzz.c' -exec basename {} _fuzz.c \; | sort
}

# New inputs stay in the build folder; a crash is kept there too, under a name that the output tells.
fuzz_one() {
        local target=$1 seconds=$2 found=build-fuzz/found/$1

        mkdir -p "$found"
        say "fuzzing $target for $seconds s"
        build-fuzz/tests/fuzz/"${target}_fuzzer" -max_total_time="$seconds" -print_final_stats=1 \
                -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$target" 2>&1 | tail -n 25
}

# fuzz [TARGET] [SECONDS]
fuzz() {
        local target=${1-} seconds=${2-60}

        [ -z "$target" ] || fuzz_targets | grep -qx "$target" ||
                die "no fuzz target '$target'; there are: $(fuzz_targets | xargs)"
        CC=clang-14 configured build-fuzz -Dfuzzer=true -Db_lundef=false -Db_sanitize=address,undefined \
                -Dc_args=-fsanitize=fuzzer-no-link
        for target in ${target:-$(fuzz_targets)}; do
                ninja -C build-fuzz "tests/fuzz/${target}_fuzzer" >build-fuzz/ninja.log || {
                        cat build-fuzz/ninja.log >&2
                        die "the fuzzer of $target does not build"
                }
                fuzz_one "$target" "$seconds"
        done
}
