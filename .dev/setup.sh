# What this machine needs before anything is built. Sourced by ./dev.
#
# dpkg-query is asked, never apt: a second run touches no network. Root installs what is missing and says so before;
# anybody else is told everything that is missing and the line that mends it.

SAMPLE_PACKAGE=five-or-more
SAMPLE_PATH=usr/share/help/C/five-or-more/figures/glines-demo.ogv
APT_OPTIONS=(-o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root)

say() {
        printf 'dev: %s\n' "$*" >&2
}

die() {
        say "$@"
        exit 1
}

# packages GROUP...: what those groups name
packages() {
        awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") { print $2 }' .dev/packages
}

# missing_packages GROUP...: those that are not installed
missing_packages() {
        comm -23 <(packages "$@" | sort -u) \
                <(packages "$@" | xargs dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
                        awk '$1 == "installed" { print $2 }' | sort)
}

# The one reason, of those we know, for which this kernel refuses a user namespace, and the line that changes it.
namespace_remedy() {
        local allowed=/proc/sys/kernel/unprivileged_userns_clone
        local restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
        local limit=/proc/sys/user/max_user_namespaces

        if [ "$(cat $limit 2>/dev/null)" = 0 ]; then
                echo 'sysctl -w user.max_user_namespaces=15000'
        elif [ "$(cat $allowed 2>/dev/null)" = 0 ]; then
                echo 'sysctl -w kernel.unprivileged_userns_clone=1'
        elif [ "$(cat $restricted 2>/dev/null)" = 1 ]; then
                echo 'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0'
        else
                echo 'in a container: start it with --security-opt seccomp=unconfined, or with --privileged'
        fi
}

namespaces_work() {
        if command -v bwrap >/dev/null; then
                bwrap --unshare-all --unshare-user --ro-bind / / true 2>/dev/null
        else
                unshare --user true 2>/dev/null
        fi
}

install_packages() {
        say "installing with apt (nothing that is only recommended): $*"
        export DEBIAN_FRONTEND=noninteractive
        apt-get "${APT_OPTIONS[@]}" -q update >&2 || say 'apt-get update failed; trying with the lists that are here'
        apt-get "${APT_OPTIONS[@]}" -q install -y --no-install-recommends "$@" >&2 ||
                die "apt could not install them. Install by hand: apt-get install --no-install-recommends $*"
}

# need GROUP...: everything of these groups is there when it returns; else it says what is not and how to mend it
need() {
        local missing lacking=0

        command -v dpkg-query >/dev/null ||
                die 'this is no Debian system: install the counterparts of .dev/packages, then use meson and ninja'
        missing=$(missing_packages "$@" | xargs)
        if [ -n "$missing" ] && [ "$(id -u)" = 0 ]; then
                # shellcheck disable=SC2086 # a list of package names
                install_packages $missing
        elif [ -n "$missing" ]; then
                say "missing packages: $missing"
                say "    mend it, as root: apt-get update && apt-get install --no-install-recommends $missing"
                lacking=1
        fi
        case " $* " in *' demo '*)
                if ! namespaces_work; then
                        say 'user namespaces are refused here, so bubblewrap cannot build a sandbox'
                        say "    mend it, as root: $(namespace_remedy)"
                        lacking=1
                fi
        esac
        [ $lacking = 0 ] || exit 1
}

# download PACKAGE: its file, into the current folder
download() {
        apt-get "${APT_OPTIONS[@]}" -q download "$1" >&2 && return
        [ "$(id -u)" = 0 ] || return 1
        apt-get "${APT_OPTIONS[@]}" -q update >&2 && apt-get "${APT_OPTIONS[@]}" -q download "$1" >&2
}

# unpack FOLDER PACKAGE PATH: that path of the package, unpacked into the folder. Nothing is installed.
unpack() {
        mkdir -p "$1/download"
        (cd "$1/download" && download "$2") ||
                die "could not fetch $2. Mend it, online and as root: apt-get update"
        dpkg-deb --fsys-tarfile "$1/download/$2"_*.deb | tar -x -C "$1" "./$3"
        rm -r "$1/download"
}

# Prints the path of the clip. It is fetched once, unpacked into the cache and not installed.
sample() {
        local cache=$PWD/build-cache

        if [ -e "/$SAMPLE_PATH" ]; then
                echo "/$SAMPLE_PATH"
                return
        fi
        if [ ! -e "$cache/$SAMPLE_PATH" ]; then
                say "fetching the sample video: Debian's package $SAMPLE_PACKAGE (1.3 MB, unpacked, not installed)"
                unpack "$cache" $SAMPLE_PACKAGE $SAMPLE_PATH
        fi
        echo "$cache/$SAMPLE_PATH"
}

# The kernel of the guest, and the program that loads AppArmor profiles into it: fetched once, unpacked, not installed.
# Installing either would change how this machine boots, or confine its programs.
guest_parts() {
        local cache=$PWD/build-cache/guest package

        if ! compgen -G "$cache/boot/vmlinuz-*" >/dev/null; then
                package=$(apt-cache depends linux-image-amd64 | awk '$1 == "Depends:" { print $2 }')
                [ -n "$package" ] || die "apt knows no linux-image-amd64. Mend it, online and as root: apt-get update"
                say "fetching a kernel for the guest: Debian's package $package (70 MB, unpacked, not installed)"
                unpack "$cache" "$package" boot
        fi
        if [ ! -e "$cache/sbin/apparmor_parser" ]; then
                say "fetching AppArmor's compiler for the guest: Debian's package apparmor (0.6 MB, not installed)"
                unpack "$cache" apparmor sbin/apparmor_parser
        fi
}
