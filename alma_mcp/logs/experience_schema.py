"""The tables of the experience log, a step for each version of them. A step that was released is never changed."""

MIGRATIONS = (
    """
    CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('experience', 'feedback', 'forgetting')),
        at REAL NOT NULL,
        body TEXT,
        experience TEXT UNIQUE,
        key TEXT UNIQUE
    );
    CREATE INDEX events_by_scope ON events (scope, position);
    """,
    # changes of trust; positions go on where they were; `sort` and `agent` are an experience's, to browse by
    """
    CREATE TABLE events_2 (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('experience', 'feedback', 'forgetting', 'trust')),
        at REAL NOT NULL,
        body TEXT,
        experience TEXT UNIQUE,
        key TEXT UNIQUE,
        sort TEXT AS (json_extract(body, '$.kind')),
        agent TEXT AS (json_extract(body, '$.agent'))
    );
    INSERT INTO events_2 (position, scope, kind, at, body, experience, key)
        SELECT position, scope, kind, at, body, experience, key FROM events ORDER BY position;
    DELETE FROM sqlite_sequence WHERE name = 'events_2';
    INSERT INTO sqlite_sequence (name, seq) SELECT 'events_2', seq FROM sqlite_sequence WHERE name = 'events';
    DROP TABLE events;
    ALTER TABLE events_2 RENAME TO events;
    CREATE INDEX events_by_scope ON events (scope, position, kind);
    CREATE INDEX events_browsed ON events (scope, sort, agent) WHERE kind = 'experience' AND body IS NOT NULL;
    CREATE INDEX events_about ON events (kind, position) WHERE kind <> 'experience';
    """,
)
