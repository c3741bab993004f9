#!/usr/bin/python3
"""planted_test.py CLANG NAME FILE...: libFuzzer finds the bug that planted/NAME puts into the first of the files.

The bug is a sed script that takes a check away. The fuzzer starts without the corpus, gets 30 s, and must die of it;
the same fuzzer over the unspoiled file is what ./dev fuzz runs.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SECONDS_MAX = 30
ROOT = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])


def spoil(file, script, to):
    """Write the file with the bug in it; the script must change something."""
    text = subprocess.run(['sed', '-E', '-f', script, ROOT / file], capture_output=True, text=True, check=True).stdout
    assert text != (ROOT / file).read_text(encoding='utf-8'), f'{script} changes nothing in {file}'
    to.write_text(text, encoding='utf-8')


def build(clang, name, files, folder):
    spoiled = folder / pathlib.Path(files[0]).name
    spoil(files[0], ROOT / 'tests/fuzz/planted' / name, spoiled)
    archives = [BUILD / 'bus/libbus.a', *BUILD.glob('named-objects/**/*.a'), *BUILD.glob('broker/*.a')]
    subprocess.run([clang, '-std=gnu11', '-D_GNU_SOURCE', '-g', '-O1', '-fsanitize=fuzzer,address,undefined',
                    '-fno-sanitize-recover=undefined', '-I', ROOT, ROOT / f'tests/fuzz/{name}_fuzz.c', spoiled,
                    *[ROOT / file for file in files[1:]], '-Wl,--start-group', *archives, '-Wl,--end-group',
                    '-lxxhash', '-lcrypto', '-lbearssl', '-pthread', '-o', folder / 'fuzzer'], check=True)
    return folder / 'fuzzer'


def main():
    clang, name, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        fuzzer = build(clang, name, files, folder)
        done = subprocess.run([fuzzer, f'-max_total_time={SECONDS_MAX}', '-seed=1', f'-artifact_prefix={folder}/'],
                              cwd=folder, capture_output=True, text=True, errors='replace', check=False)
    found = done.returncode != 0 and 'Test unit written' in done.stderr
    for line in [line for line in done.stderr.splitlines() if 'ERROR' in line or 'runtime error' in line][:4]:
        print('# ' + line)
    print(f"{'' if found else 'not '}ok 1 - the bug planted for {name} is found within {SECONDS_MAX} s")
    print('1..1')
    return 0 if found else 1


if __name__ == '__main__':
    sys.exit(main())
