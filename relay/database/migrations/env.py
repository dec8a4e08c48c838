"""Where alembic begins: it works on the connection and in the transaction that it is given."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table=attributes["version_table"],
    transactional_ddl=True,
)
context.run_migrations()
