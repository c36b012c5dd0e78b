"""What of the checkout is installed, and under which names; the rest is in pyproject.toml."""

from pathlib import Path

from setuptools import find_namespace_packages, setup


def requirements(kind: str = '') -> list[str]:
    """Return the lines of a requirements file, with those of the file that it includes."""
    lines: list[str] = []
    for line in Path(f'requirements{kind}.txt').read_text(encoding='utf-8').splitlines():
        wanted = line.partition('#')[0].strip()
        if wanted.startswith('-r '):
            lines += requirements(wanted.removeprefix('-r requirements').removesuffix('.txt'))
        elif wanted:
            lines.append(wanted)
    return lines


inside = find_namespace_packages(include=['configs*', 'custom_modules*', 'pretrained*', 'tools'])
setup(
    packages=['petseg', *(f'petseg.{name}' for name in inside)],
    package_dir={f'petseg.{name}': name.replace('.', '/') for name in inside},
    package_data={
        '': ['*.css', '*.html', '*.js', '*.sh'],
        'petseg.pretrained.pets': ['*'],  # weights, config, card and metrics
    },
    install_requires=requirements(),
    extras_require={
        kind: requirements(f'-{kind}')
        for kind in ('export', 'openvino', 'service', 'studies', 'tracking', 'zoo')
    },
)
