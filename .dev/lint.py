#!/usr/bin/python3
"""clang-tidy over what ships, and only over what changed since it was content.

    lint.py BUILD [JOBS]

BUILD is a build folder of clang that is up to date: an object that is newer than the stamp of its source in BUILD/lint
was compiled anew, be it for the source, for a header or for an option, and so is looked at anew. The tests are left
out, and so is what the build wrote itself.
"""
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

CHATTER = re.compile(r'^\d+ warnings?( and \d+ errors?)? generated.*\n|^(Suppressed|Use -header).*\n', re.MULTILINE)


class Source:
    def __init__(self, build, name):
        self.name = name
        self.path = pathlib.Path(name)
        self.objects = []  # one for each program or library that has it
        self.stamp = build / 'lint' / name.replace('/', '-')

    def is_new(self):
        if not (self.stamp.exists() and all(file.exists() for file in self.objects)):
            return True
        since = self.stamp.stat().st_mtime_ns
        return any(file.stat().st_mtime_ns >= since for file in (*self.objects, self.path, pathlib.Path('.clang-tidy')))

    def check(self, build):
        """What clang-tidy says; empty and a stamp when it is content."""
        begun = build / 'lint' / (self.stamp.name + '.begun')
        begun.touch()  # before it reads: an edit in the meantime is seen the next time
        done = subprocess.run(['clang-tidy-14', '--quiet', '-p', build, '--warnings-as-errors=*', self.path],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            begun.replace(self.stamp)
            return ''
        begun.unlink()
        return CHATTER.sub('', done.stdout + done.stderr) or f'{self.name}: clang-tidy ended with {done.returncode}\n'


def sources(build):
    entries = json.loads((build / 'compile_commands.json').read_text(encoding='utf-8'))
    found = {}
    for entry in entries:
        name = (build / entry['file']).resolve().relative_to(pathlib.Path.cwd()).as_posix()
        if not name.startswith(('tests/', f'{build.name}/')):
            found.setdefault(name, Source(build, name)).objects.append(build / entry['output'])
    return [found[name] for name in sorted(found)]


def main():
    build = pathlib.Path(sys.argv[1])
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    (build / 'lint').mkdir(exist_ok=True)
    everything = sources(build)
    new = [source for source in everything if source.is_new()]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        said = list(pool.map(lambda source: source.check(build), new))
    sys.stdout.write(''.join(said))
    print(f'{len(new)} of {len(everything)} sources looked at, {sum(map(bool, said))} with findings')
    return 1 if any(said) else 0


if __name__ == '__main__':
    sys.exit(main())
