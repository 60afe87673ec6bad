-- What models answered, and what turned out to be right: never what they were asked. A row for each row of a call's answer.
-- Either half may come first, and either may come twice: it is joined once.
--
-- predicted     the class, or the number, as text
-- score         of the class that the spec calls positive; null where nobody needs it
-- answered_at   null while only feedback is there, which waits for its answer a few minutes: the gateway's log is later
--               than the answer itself
-- labelled_at   when feedback came last, by which windows go
-- expires_at    when the row is deleted, whatever it has
CREATE TABLE quality (
    model        text NOT NULL,
    request_id   text NOT NULL,
    row          integer NOT NULL CHECK (row >= 0),
    version      text,
    predicted    text,
    score        double precision,
    answered_at  timestamptz,
    label        text,
    rating       double precision,
    outcome      double precision,
    labelled_at  timestamptz,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (model, request_id, row),
    CHECK (num_nulls(version, predicted, answered_at) IN (0, 3)),
    CHECK ((labelled_at IS NULL) = (num_nonnulls(label, rating, outcome) = 0)),
    CHECK (num_nonnulls(answered_at, labelled_at) > 0)
);
CREATE INDEX quality_labelled ON quality (model, labelled_at) WHERE labelled_at IS NOT NULL AND answered_at IS NOT NULL;
CREATE INDEX quality_waiting ON quality (model) WHERE answered_at IS NULL;
CREATE INDEX quality_by_end ON quality (expires_at);

-- Write what models answered, and return how many rows were new. Rows in one order, as give_feedback() has it.
--
-- Each line: kind, model, request_id, version, at, keep_s, predicted: [...], scores: [...] or null.
CREATE FUNCTION write_answers(lines jsonb) RETURNS bigint LANGUAGE sql AS $$
    WITH written AS (
        INSERT INTO quality AS there (model, request_id, row, version, predicted, score, answered_at, expires_at)
        SELECT DISTINCT ON (l.model, l.request_id, one.row)
            l.model, l.request_id, one.row - 1, l.version, one.predicted, (l.scores ->> (one.row - 1)::integer)::double precision,
            to_timestamp(l.at), to_timestamp(l.at + l.keep_s)
        FROM jsonb_to_recordset(lines) AS l(
            kind text, model text, request_id text, version text, at double precision, keep_s double precision,
            predicted jsonb, scores jsonb
        ) CROSS JOIN LATERAL jsonb_array_elements_text(
            CASE WHEN l.kind = 'answer' THEN l.predicted ELSE '[]'::jsonb END
        ) WITH ORDINALITY AS one(predicted, row)
        ORDER BY l.model, l.request_id, one.row
        ON CONFLICT (model, request_id, row) DO UPDATE SET
            version = excluded.version, predicted = excluded.predicted, score = excluded.score,
            answered_at = excluded.answered_at, expires_at = excluded.expires_at
        WHERE there.answered_at IS NULL
        RETURNING 1
    )
    SELECT count(*) FROM written
$$;

-- Take feedback on answers of a model, item by item, and return what became of each:
--   joined     to its answer
--   corrected  other feedback on this row was there, which it replaces
--   twice      the same was there
--   waiting    its answer is not known yet: it is kept for `patience`
--   late       the answer is older than `within`
--   unknown    its answer is not known, and so much waits already that it is not kept
--
-- Each item: n, request_id, row, label, rating, outcome; what is null says nothing.
CREATE FUNCTION give_feedback(of_model text, items jsonb, within interval, patience interval, most_waiting bigint)
RETURNS TABLE (n integer, state text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    item record;
    there quality;
    waiting bigint;
BEGIN
    SELECT count(*) FROM quality WHERE model = of_model AND answered_at IS NULL INTO waiting;
    FOR item IN SELECT * FROM jsonb_to_recordset(items) AS l(
        n integer, request_id text, row integer, label text, rating double precision, outcome double precision
    ) ORDER BY l.request_id, l.row, l.n LOOP
        n := item.n;
        IF waiting < most_waiting THEN
            INSERT INTO quality (model, request_id, row, label, rating, outcome, labelled_at, expires_at)
                VALUES (of_model, item.request_id, item.row, item.label, item.rating, item.outcome, now(), now() + patience)
                ON CONFLICT DO NOTHING;
            IF FOUND THEN
                waiting := waiting + 1;
                state := 'waiting';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        SELECT * FROM quality q
            WHERE q.model = of_model AND q.request_id = item.request_id AND q.row = item.row INTO there FOR UPDATE;
        IF NOT FOUND THEN
            state := 'unknown';
        ELSIF there.answered_at < now() - within THEN
            state := 'late';
        ELSIF (coalesce(item.label, there.label), coalesce(item.rating, there.rating), coalesce(item.outcome, there.outcome))
            IS NOT DISTINCT FROM (there.label, there.rating, there.outcome) THEN
            state := 'twice';
        ELSE
            state := CASE
                WHEN there.answered_at IS NULL THEN 'waiting'
                WHEN num_nonnulls(
                    CASE WHEN item.label IS NOT NULL THEN there.label END,
                    CASE WHEN item.rating IS NOT NULL THEN there.rating::text END,
                    CASE WHEN item.outcome IS NOT NULL THEN there.outcome::text END
                ) > 0 THEN 'corrected'
                ELSE 'joined'
            END;
            UPDATE quality q SET
                label = coalesce(item.label, q.label), rating = coalesce(item.rating, q.rating),
                outcome = coalesce(item.outcome, q.outcome), labelled_at = now()
                WHERE q.model = of_model AND q.request_id = item.request_id AND q.row = item.row;
        END IF;
        RETURN NEXT;
    END LOOP;
END;
$$;
