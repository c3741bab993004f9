# The test run: builds and suites one after the other, each step and each test in a report. Sourced by ./dev.
#
#   step SENTENCE COMMAND...   runs the command with its output in a log and adds one line of TAP
#   suites FOLDER ...          runs meson's tests of a build folder; their own reports are counted, not this line
#
# .dev/report.py counts all reports at the end and decides; nothing here adds numbers.

STEPS=build-reports/steps.tap
STEP_COUNT=0

steps_begin() {
        rm -rf build-reports
        mkdir -p build-reports
        STEP_COUNT=0
        : >"$STEPS"
}

steps_end() {
        echo "1..$STEP_COUNT" >>"$STEPS"
}

# A step runs in a shell of its own: behind `||` this one would go on after a failing line in the middle.
step() {
        local sentence=$1 log began=$SECONDS status=0
        shift

        STEP_COUNT=$((STEP_COUNT + 1))
        log=build-reports/step-$STEP_COUNT.log
        printf '== %s ... ' "$sentence"
        bash -euo pipefail -c '. .dev/setup.sh; . .dev/build.sh; . .dev/windows.sh; . .dev/test.sh; "$@"' step "$@" \
                >"$log" 2>&1 </dev/null || status=$?
        if [ $status = 0 ]; then
                printf 'ok (%d s)\n' $((SECONDS - began))
                echo "ok $STEP_COUNT - $sentence" >>"$STEPS"
        else
                printf 'FAILED (%d s), %s:\n' $((SECONDS - began)) "$log"
                tail -n 60 "$log" | sed 's/^/    /'
                echo "not ok $STEP_COUNT - $sentence" >>"$STEPS"
        fi
        return 0
}

# suites FOLDER ARGUMENT...: meson's exit status is not used, the reports are
suites() {
        local folder=$1
        shift

        printf '== tests in %s\n' "$folder"
        rm -f "$folder/meson-logs/testlog.json"
        meson test -C "$folder" --no-rebuild --num-processes "$JOBS" --print-errorlogs "$@" </dev/null || true
}

# sanitizers_tell FOLDER: ASan and UBSan write what they find into files there. Criterion lets a leak pass, and a thread
# that closed its descriptor 2 has nowhere else to say it. Some tests touch what they may not and expect the signal: it
# goes to their runner, not to ASan's handler.
sanitizers_tell() {
        rm -rf "$1"
        mkdir -p "$1"
        export ASAN_OPTIONS=log_path=$1/asan:detect_leaks=1:handle_segv=0:handle_sigbus=0
        export LSAN_OPTIONS=suppressions=$PWD/.dev/lsan:print_suppressions=0
        export UBSAN_OPTIONS=log_path=$1/ubsan:halt_on_error=1:print_stacktrace=1
}

# sanitizers_found_nothing FOLDER: else prints what
sanitizers_found_nothing() {
        ! grep -rE 'LeakSanitizer|AddressSanitizer|runtime error:' "$1" || {
                find "$1" -type f -exec cat {} +
                return 1
        }
}

# sanitize_address [MESON'S OPTION...]: every Criterion test under ASan and UBSan, and the simulation
sanitize_address() {
        local status=0

        CC=gcc configured build-asan -Db_sanitize=address,undefined
        sanitizers_tell "$PWD/build-asan/findings"
        meson test -C build-asan --num-processes "$JOBS" --timeout-multiplier 4 --print-errorlogs \
                --suite unit --suite contract --suite hostile --suite fault --suite simulation "$@" || status=1
        sanitizers_found_nothing build-asan/findings && return $status
}

# races_fail FOLDER: the first race ends the program. It is told in a file there: the threads of broker and library have
# descriptors of their own, and stderr is not among them.
races_fail() {
        rm -rf "$1"
        mkdir -p "$1"
        export TSAN_OPTIONS=halt_on_error=1:exitcode=66:log_path=$1/tsan
}

# The races: plain programs in one process (TSan does not survive Criterion), and clang's TSan.
sanitize_thread() {
        local status=0

        CC=clang-14 configured build-tsan -Db_sanitize=thread -Db_lundef=false
        races_fail "$PWD/build-tsan/findings"
        meson test -C build-tsan --num-processes 1 --timeout-multiplier 4 --print-errorlogs --suite race || status=1
        find build-tsan/findings -type f -exec cat {} +
        return $status
}

sources() {
        find bus named-objects broker clients bench tests -name '*.[ch]' | sort
}

check_format() {
        sources | xargs clang-format-14 --dry-run --Werror
}

# A few valuable checks on what ships (.clang-tidy names them): every file that is compiled, save the tests.
check_tidy() {
        /usr/bin/python3 .dev/lint.py build-clang "$JOBS"
}

check_cppcheck() {
        cppcheck --quiet -j "$JOBS" --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr \
                --suppress=missingIncludeSystem --suppressions-list=.dev/cppcheck \
                -D__linux__ -D__x86_64__ -D__GNUC__ -U_WIN32 -I . -I clients/c -I build \
                bus named-objects broker clients bench
}

report() {
        /usr/bin/python3 .dev/report.py --skips tests/skips.md "$@"
}

# Some tests become other users, mount or make cgroups. Without root they are left out: each counts as a skip, whose
# reason stands in tests/skips.md.
rootless() {
        [ "$(id -u)" != 0 ] || return 1
        say 'without root, tests that become other users, mount or make cgroups are left out and counted as skipped'
        say '    run all of them: sudo ./dev test'
}

test_quick() {
        local out=(slow) lacking=()

        ! rootless || lacking=(root)
        steps_begin
        step 'gcc builds everything without a warning' build_gcc
        suites build "${out[@]/#/--no-suite=}" "${lacking[@]/#/--no-suite=}"
        steps_end
        report --meson build "${out[@]/#/--without=}" "${lacking[@]/#/--lacking=}" --tap "$STEPS" \
                --expected tests/expected-count.quick
}

test_all() {
        local lacking=()

        ! rootless || lacking=(root)
        steps_begin
        step 'gcc builds everything without a warning' build_gcc
        suites build "${lacking[@]/#/--no-suite=}"
        step 'clang builds everything without a warning' build_clang
        step 'mingw-w64 builds everything for Windows without a warning' build_windows
        windows_suites
        step 'ASan and UBSan find nothing in unit, contract, hostile and fault tests' \
                sanitize_address "${lacking[@]/#/--no-suite=}"
        step 'TSan finds no race in the ring, nor in the library' sanitize_thread
        step 'the demo holds on the real clip' build/clients/cli/weir demo --video "$WEIR_CLIP"
        step 'every source is formatted' check_format
        steps_end
        report --meson build "${lacking[@]/#/--lacking=}" --windows build-windows --beside build --tap "$STEPS" \
                --expected tests/expected-count
}

# The same tests on the other system. Which they are, the programs of this one tell.
test_windows() {
        steps_begin
        step 'gcc builds everything without a warning' build_gcc
        step 'mingw-w64 builds everything for Windows without a warning' build_windows
        windows_suites
        steps_end
        report --windows build-windows --beside build --tap "$STEPS"
}

check() {
        local lacking=()

        ! rootless || lacking=(root)
        steps_begin
        step 'every source is formatted' check_format
        step 'gcc builds everything without a warning' build_gcc
        step 'clang builds everything without a warning' build_clang
        step 'clang-tidy is content' check_tidy
        step 'cppcheck is content' check_cppcheck
        suites build --suite unit --suite contract --suite house "${lacking[@]/#/--no-suite=}"
        steps_end
        report --meson build --only unit --only contract --only house "${lacking[@]/#/--lacking=}" --tap "$STEPS"
}
