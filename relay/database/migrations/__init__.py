"""Alembic's scripts: ``env.py``, and a folder of revisions for each area."""
