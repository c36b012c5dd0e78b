"""The tested set names a version for all that the tests need, and no place that it came from."""

from tests.constraints import PAGE, TESTED, requirements


def test_every_requirement_has_a_version_that_it_allows() -> None:
    pinned = {one.name: one for one in requirements(PAGE)}
    for wanted in requirements(TESTED):
        name = wanted.name.lower().replace('_', '-')
        assert name in pinned, f'{wanted}: run make constraints'
        (exact,) = pinned[name].specifier
        assert exact.operator == '==' and '+' not in exact.version
        assert wanted.specifier.contains(exact.version), f'{wanted}: run make constraints'
