//! Desired state in, revisions out: SQLite or PostgreSQL. Cannot unseal.
