from hypothesis import settings

settings.register_profile(
    "default", deadline=None
)  # no test is an assertion on time; the profile "ci" has none either
