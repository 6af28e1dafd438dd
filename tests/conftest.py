"""Settings that all tests share."""

from hypothesis import settings

# Examples are few and not timed, so that the whole suite stays short on a slow machine; pytest --hypothesis-profile=long looks longer.
settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("long", max_examples=2000, deadline=None)
settings.load_profile("default")
