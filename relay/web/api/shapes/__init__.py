"""What the API answers, as types from which the OpenAPI document is made: names are those of ``--json``."""
