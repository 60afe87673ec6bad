-- How often each account calls each model, by hours: who asks far more than ever may be copying the model. The ledger has
-- it too, in a line for each call; these sums are what can be asked every few minutes.

CREATE TABLE traffic (
    hour     timestamptz NOT NULL,
    account  text NOT NULL,
    model    text NOT NULL,
    calls    bigint NOT NULL,
    PRIMARY KEY (hour, account, model)
);

-- Until when the ledger has been counted.
CREATE TABLE traffic_counted (until timestamptz NOT NULL);
INSERT INTO traffic_counted VALUES (now() - interval '8 days');

-- Count on, and return the `most` busiest of the last 24 hours: their calls in that time, and those of the busiest of the
-- seven days of 24 hours before. Calls without a key are nobody's.
--
-- The last hour that was counted, and the one before it, are counted anew: lines of the journal come late. At most six
-- hours are counted at once, so that a ledger of many calls is caught up with step by step. Whoever finds another replica
-- counting reads what is there.
CREATE FUNCTION busiest(most integer)
RETURNS TABLE (account text, model text, calls bigint, usual bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    began timestamptz := now() - interval '8 days';
    since timestamptz;
    ended timestamptz;
BEGIN
    IF pg_try_advisory_xact_lock(hashtext('slipway traffic')) THEN
        SELECT date_trunc('hour', greatest(until - interval '1 hour', began), 'UTC') FROM traffic_counted INTO since;
        ended := least(since + interval '6 hours', now());
        INSERT INTO traffic (hour, account, model, calls)
            SELECT date_trunc('hour', admitted_at, 'UTC'), account, model, count(*) FROM ledger
            WHERE admitted_at >= since AND admitted_at < ended AND account <> 'anonymous'
            GROUP BY 1, 2, 3
            ON CONFLICT (hour, account, model) DO UPDATE SET calls = excluded.calls
            WHERE traffic.calls <> excluded.calls;
        UPDATE traffic_counted SET until = ended;
        DELETE FROM traffic WHERE hour < began - interval '1 day';
    END IF;
    RETURN QUERY
        SELECT account, model, (sum(calls) FILTER (WHERE day = 0))::bigint AS calls,
            coalesce(max(calls) FILTER (WHERE day > 0), 0)::bigint
        FROM (
            SELECT account, model, floor(extract(epoch FROM now() - hour) / 86400)::integer AS day,
                sum(calls)::bigint AS calls
            FROM traffic WHERE hour > began GROUP BY 1, 2, 3
        ) AS days
        GROUP BY 1, 2 HAVING bool_or(day = 0)
        ORDER BY 3 DESC, 1, 2 LIMIT most;
END;
$$;
