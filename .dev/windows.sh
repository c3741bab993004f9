# Windows, cross-built and run under Wine. Sourced by ./dev.
#
#   build-windows-tools/mingw64.ini   meson's cross file, from .dev/mingw64.ini.in
#   build-windows-tools/wine          a Wine of our own: its "drive C" and its registry, 700 MB
#   build-windows-tools/libraries     weir's libraries for Windows; .dev/windows-libraries.sh builds them
#   build-windows                     weir itself: the same targets, by the same names, as in the other build folders
#
# All of it is made once. A second run compares, and touches no network.

WINDOWS_TOOLS=$PWD/build-windows-tools

wine_here() {
        WINEPREFIX=$WINDOWS_TOOLS/wine WINEDEBUG=-all "$@"
}

# Made before anything runs in it: two programs at once would make it twice. No debugger opens when a program crashes;
# the Windows is the oldest that weir is for.
windows_wine() {
        local stamp=$WINDOWS_TOOLS/wine/stamp wanted='windows 10, no debugger'

        [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
        say 'making a Wine of our own in build-windows-tools/wine (700 MB)'
        rm -rf "$WINDOWS_TOOLS/wine"
        {
                wine_here env WINEDLLOVERRIDES='mscoree,mshtml=' wineboot --init &&
                        wine_here wine reg add 'HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug' \
                                /v Debugger /t REG_SZ /d '' /f &&
                        wine_here wine reg add 'HKCU\Software\Wine' /v Version /t REG_SZ /d win10 /f &&
                        wine_here wineserver --wait
        } >"$WINDOWS_TOOLS/wine.log" 2>&1 </dev/null || {
                cat "$WINDOWS_TOOLS/wine.log" >&2
                die 'Wine could not be set up'
        }
        echo "$wanted" >"$stamp"
}

# The paths in what is built are those of this folder: whoever moves it builds anew.
windows_libraries() {
        local stamp=$WINDOWS_TOOLS/libraries/stamp wanted

        wanted="$(sha256sum <.dev/windows-libraries.sh) $WINDOWS_TOOLS"
        [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
        say "building weir's libraries for Windows from Debian's source packages (3 MB, a minute)"
        rm -rf build-windows
        bash .dev/windows-libraries.sh "$WINDOWS_TOOLS"
        echo "$wanted" >"$stamp"
}

windows_cross_file() {
        local file=$WINDOWS_TOOLS/mingw64.ini

        sed "s#@TOOLS@#$WINDOWS_TOOLS#g" .dev/mingw64.ini.in >"$file.new"
        if cmp -s "$file.new" "$file"; then
                rm "$file.new"
        else
                mv "$file.new" "$file"
                rm -rf build-windows # meson reads it only once
        fi
}

windows_tools() {
        mkdir -p "$WINDOWS_TOOLS"
        windows_cross_file
        windows_wine
        windows_libraries
}

build_windows() {
        windows_tools
        [ -e build-windows/build.ninja ] || rm -rf build-windows
        configured build-windows --cross-file "$WINDOWS_TOOLS/mingw64.ini"
        ninja -C build-windows -j "$JOBS"
}

# A server of our own, and Windows booted on it: its services are started by whichever program is the first, and keep
# that one's stdout open for as long as they run, so a test would seem to never end. It stays until the last test has
# ended (and a minute, should this be interrupted). A server that is there already would end when it likes, and each
# program that begins meanwhile ends with it: without a word, and with 0.
wine_boots() {
        wine_here wineserver --kill || true # fails where there is none
        wine_here timeout 60 wineserver --wait
        wine_here wineserver --persistent=60 && wine_here timeout 120 wineboot || return 1
        # The first program of all: that it runs, and what it ends with, comes back.
        wine_here timeout 60 wine cmd.exe /c exit 7
        [ $? = 7 ]
}

# windows_suites ARGUMENT...: the tests in build-windows. Whoever else runs them in this folder waits: at the end Wine's
# server is told to go, and all that runs on it goes, too.
windows_suites() {
        local log=build-reports/wine.log try

        exec 9>"$WINDOWS_TOOLS/wine.lock"
        flock --nonblock 9 || { say 'another run of the Windows tests in this folder is waited for' && flock 9; }
        for try in 1 2 3; do
                # A shell of its own each, since Wine's server would keep the lock with its descriptor.
                ! wine_boots </dev/null >>"$log" 2>&1 9>&- || break
                say "Wine does not start, try $try of 3; what it said is in $log"
        done
        suites build-windows "$@" 9>&-
        wine_here wineserver --kill || true # fails where it is gone already
        exec 9>&-
        [ ! -s "$log" ] || sed 's/^/wine: /' "$log" >&2 # its server says why it dies
}
