#!/usr/bin/python3
"""The README's lines of C compile, and so does every documented program that says it is one.

A block of C is taken when the line before it is a comment that names it:

        <!-- compiled: publish.c -->
        ```c
        ...
        ```

A block with a main() is a program and is linked with libweir; one without is put into a main() of its own. Warnings
are errors, as in the house.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ['WEIR_SOURCE_ROOT'])
BUILD = pathlib.Path(os.environ['WEIR_BUILD_ROOT'])
BLOCK = re.compile(r'<!--\s*compiled:\s*(\S+)\s*-->\s*\n```c\n(.*?)\n```', re.DOTALL)
BLOCKS_MIN = 2  # ten lines to publish, ten lines to take


def blocks():
    """(document, name, code) of every marked block."""
    for document in [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]:
        if document.exists():
            for name, code in BLOCK.findall(document.read_text(encoding='utf-8')):
                yield document.relative_to(ROOT).as_posix(), name, code


def program(code):
    if re.search(r'\bmain\s*\(', code):
        return code + '\n'
    includes = '\n'.join(line for line in code.splitlines() if line.startswith('#include'))
    rest = '\n'.join(line for line in code.splitlines() if not line.startswith('#include'))
    return f'{includes}\nint\nmain(void)\n{{\n{rest}\nreturn 0;\n}}\n'


def compiles(code, folder):
    source = pathlib.Path(folder) / 'block.c'
    source.write_text(program(code), encoding='utf-8')
    library = next(BUILD.glob('clients/c/libweir.so'))
    return subprocess.run(['cc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', f'-I{ROOT}/clients/c', f'-I{ROOT}/broker',
                           f'-I{BUILD}/clients/c', f'-I{BUILD}/broker', source, library,
                           *BUILD.glob('broker/libweir_broker.so'), *BUILD.glob('broker/libweir-broker.so'),
                           f'-Wl,-rpath,{library.parent}', '-o', pathlib.Path(folder) / 'block'],
                          capture_output=True, text=True, check=False)


def main():
    found = list(blocks())
    failed = 0
    print(f'1..{len(found) + 1}')
    enough = sum(document == 'README.md' for document, _, _ in found) >= BLOCKS_MIN
    print(f"{'ok' if enough else 'not ok'} 1 - the README shows at least {BLOCKS_MIN} blocks of C that are compiled")
    for number, (document, name, code) in enumerate(found, 2):
        with tempfile.TemporaryDirectory() as folder:
            done = compiles(code, folder)
        for line in done.stderr.splitlines():
            print('# ' + line)
        failed += done.returncode != 0
        print(f"{'not ok' if done.returncode else 'ok'} {number} - {name} of {document} compiles and links")
    return 1 if failed or not enough else 0


if __name__ == '__main__':
    sys.exit(main())
