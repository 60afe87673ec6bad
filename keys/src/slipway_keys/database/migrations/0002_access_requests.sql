-- Requests for access, made by anybody on the page. `code_sha256`: of the code that its maker collects the key with, which has
-- 256 random bits. `terms`: what was approved. A request goes when its key is collected, or after a while.
CREATE TABLE access_requests (
    id           text PRIMARY KEY,
    code_sha256  bytea NOT NULL CHECK (length(code_sha256) = 32),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    contact      text NOT NULL CHECK (length(contact) BETWEEN 1 AND 80),
    models       text[] NOT NULL CHECK (cardinality(models) BETWEEN 1 AND 100),
    state        text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'refused')),
    terms        jsonb CHECK ((state = 'approved') = (terms IS NOT NULL)),
    asked_at     timestamptz NOT NULL DEFAULT now(),
    decided_at   timestamptz CHECK ((state = 'pending') = (decided_at IS NULL))
);
