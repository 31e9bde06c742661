import pytest

from tests.support.service import project, serving


@pytest.fixture(scope="package")
def service():
    with serving() as running:
        yield running


@pytest.fixture(scope="package")
def harmonized(service):
    """A project of two bars with its harmony."""
    asked = project(title="Scale")
    return asked | {"harmony": service.result("/api/harmonize", {"project": asked})["harmony"]}
