-- Keys, the state of their limits and budgets, and the ledger.

-- A secret has 256 random bits, so that its plain SHA-256 can be stored: nobody finds such a secret by trying.
-- `account` is the id of the first key of a chain of rotations: limits and budgets are the account's, so that a
-- rotation neither renews nor doubles them.
CREATE TABLE keys (
    id             text PRIMARY KEY CHECK (id ~ '^[a-z2-7]{12}$'),
    account        text NOT NULL CHECK (account ~ '^[a-z2-7]{12}$'),
    secret_sha256  bytea NOT NULL CHECK (length(secret_sha256) = 32),
    name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    models         text[] NOT NULL CHECK (cardinality(models) > 0),
    roles          text[] NOT NULL CHECK (
        cardinality(roles) > 0 AND roles <@ ARRAY['predict', 'feedback', 'samples', 'usage', 'admin']
    ),
    rate_count     integer CHECK (rate_count > 0),
    rate_per_s     integer CHECK (rate_per_s IN (1, 60)),
    budget_calls   bigint CHECK (budget_calls >= 0),
    budget_usd     numeric(18, 6) CHECK (budget_usd >= 0),
    budget_period  text CHECK (budget_period IN ('day', 'month')),
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    revoked_at     timestamptz,
    rotated_from   text REFERENCES keys (id),
    CHECK ((rate_count IS NULL) = (rate_per_s IS NULL)),
    CHECK (num_nonnulls(budget_calls, budget_usd) <= 1),
    CHECK ((num_nonnulls(budget_calls, budget_usd) = 0) = (budget_period IS NULL))
);
CREATE INDEX keys_by_account ON keys (account);

-- Replicas keep keys in memory and hear of every change here; they ask anew every few seconds as well.
CREATE FUNCTION tell_of_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('keys', NEW.id);
    RETURN NULL;
END;
$$;
CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE ON keys FOR EACH ROW EXECUTE FUNCTION tell_of_key();

-- The state of a rate limit: a token bucket that holds as many calls as the limit allows in its span, as the time (in
-- seconds since 1970, by the database's clock) at which it will be full again. Unlogged, since after a crash a full
-- bucket is right within one span.
CREATE UNLOGGED TABLE rates (
    subject  text PRIMARY KEY,
    full_at  double precision NOT NULL
) WITH (fillfactor = 50);

-- What an account has used of its budget in a day or month (UTC). `reserved_usd` is held for calls that are not over.
-- The sums follow from the account's lines in the ledger: each changes in the transaction that changes the line.
CREATE TABLE budgets (
    account       text NOT NULL,
    period_start  date NOT NULL,
    calls         bigint NOT NULL DEFAULT 0,
    spent_usd     numeric NOT NULL DEFAULT 0,
    reserved_usd  numeric NOT NULL DEFAULT 0,
    PRIMARY KEY (account, period_start)
) WITH (fillfactor = 50);

-- One line per request. It is written when a call is admitted, and completed by the gateway's access log when the call
-- is over; either may come first, and either may come twice.
--
-- key            id of a key, `oidc:` and a subject, or `anonymous`
-- admitted_at    when the call was admitted; before its reservation has come, when it must have begun by the gateway
-- reserved       whether its reservation has come
-- due_at         when it counts as unsettled if nothing has settled it
-- unsettled      nothing settled it in time; a settlement that comes later still does
-- status         the answer's; 0 when there was none
-- flags          why the gateway ended the call early, in Envoy's letters; empty when it did not
-- compute_s, tokens, and whatever else was not measured, are null; null costs nothing and is no zero
-- price_*        the prices when the call was admitted; the one per month, with the calls that it includes, is the model's
--                subscription, which an account's first call of a month begins: no part of cost_usd
-- cost_usd       null until it is settled. Nothing for what the service failed to answer; a client that went away before
--                the end (flag DC) has had its model's work done, and pays.
CREATE TABLE ledger (
    request_id       text PRIMARY KEY,
    key              text NOT NULL,
    account          text NOT NULL,
    model            text NOT NULL,
    admitted_at      timestamptz NOT NULL,
    reserved         boolean NOT NULL,
    due_at           timestamptz NOT NULL,
    unsettled        boolean NOT NULL DEFAULT false,
    price_per_call   numeric NOT NULL DEFAULT 0 CHECK (price_per_call >= 0),
    price_per_second numeric NOT NULL DEFAULT 0 CHECK (price_per_second >= 0),
    price_per_token  numeric NOT NULL DEFAULT 0 CHECK (price_per_token >= 0),
    price_per_month  numeric NOT NULL DEFAULT 0 CHECK (price_per_month >= 0),
    included_calls   bigint NOT NULL DEFAULT 0 CHECK (included_calls >= 0),
    budget_start     date,
    budget_usd       numeric,
    settled_at       timestamptz,
    status           integer,
    flags            text,
    bytes_in         bigint,
    bytes_out        bigint,
    seconds          double precision,
    compute_s        numeric,
    tokens           bigint,
    attempts         integer,
    state            text GENERATED ALWAYS AS (
        CASE WHEN settled_at IS NOT NULL THEN 'settled' WHEN unsettled THEN 'unsettled' ELSE 'reserved' END
    ) STORED,
    cost_usd         numeric GENERATED ALWAYS AS (
        CASE
            WHEN settled_at IS NULL THEN NULL
            WHEN (status BETWEEN 1 AND 499) OR (status = 0 AND flags LIKE '%DC%') THEN
                price_per_call
                + price_per_second * coalesce(compute_s, 0)
                + price_per_token * coalesce(tokens, 0)
            ELSE 0
        END
    ) STORED
);
CREATE INDEX ledger_by_time ON ledger (admitted_at);
CREATE INDEX ledger_by_account ON ledger (account, admitted_at);
CREATE INDEX ledger_open ON ledger (due_at) WHERE settled_at IS NULL AND NOT unsettled;

-- Give back what open calls hold of budgets, and charge what they cost. Locks in one order, as admit() does.
CREATE FUNCTION settle_budgets(lines jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM budgets JOIN jsonb_to_recordset(lines) AS l(account text, start date)
        ON budgets.account = l.account AND budgets.period_start = l.start
        ORDER BY budgets.account, budgets.period_start FOR UPDATE OF budgets;
    UPDATE budgets
        SET reserved_usd = reserved_usd - sums.held, spent_usd = spent_usd + sums.cost
        FROM (
            SELECT account, start, sum(held) AS held, sum(cost) AS cost
            FROM jsonb_to_recordset(lines) AS l(account text, start date, held numeric, cost numeric)
            GROUP BY account, start
        ) AS sums
        WHERE budgets.account = sums.account AND budgets.period_start = sums.start;
END;
$$;

-- Write reservations and settlements. Each line counts once, however often and in whichever order they come.
CREATE FUNCTION write_ledger(lines jsonb) RETURNS TABLE (reservations bigint, settlements bigint)
LANGUAGE plpgsql AS $$
DECLARE
    over jsonb;
BEGIN
    WITH written AS (
        INSERT INTO ledger AS line (
            request_id, key, account, model, admitted_at, reserved, due_at,
            price_per_call, price_per_second, price_per_token, price_per_month, included_calls
        )
        SELECT DISTINCT ON (request_id)
            request_id, key, account, model, to_timestamp(at), true, to_timestamp(at + patience_s),
            coalesce(per_call, 0), coalesce(per_second, 0), coalesce(per_token, 0), coalesce(per_month, 0),
            coalesce(included_calls, 0)
        FROM jsonb_to_recordset(lines) AS l(
            kind text, request_id text, key text, account text, model text, at double precision,
            patience_s double precision, per_call numeric, per_second numeric, per_token numeric, per_month numeric,
            included_calls bigint
        )
        WHERE kind = 'reservation'
        ORDER BY request_id
        ON CONFLICT (request_id) DO UPDATE SET
            key = excluded.key, account = excluded.account, model = excluded.model,
            admitted_at = excluded.admitted_at, reserved = true, due_at = excluded.due_at,
            price_per_call = excluded.price_per_call, price_per_second = excluded.price_per_second,
            price_per_token = excluded.price_per_token, price_per_month = excluded.price_per_month,
            included_calls = excluded.included_calls
        WHERE NOT line.reserved
        RETURNING 1
    )
    SELECT count(*) FROM written INTO reservations;

    WITH written AS (
        INSERT INTO ledger AS line (
            request_id, key, account, model, admitted_at, reserved, due_at, settled_at,
            status, flags, bytes_in, bytes_out, seconds, compute_s, tokens, attempts
        )
        SELECT DISTINCT ON (request_id)
            request_id, key, account, model, to_timestamp(began), false, to_timestamp(at), to_timestamp(at),
            status, flags, bytes_in, bytes_out, seconds, compute_s, tokens, attempts
        FROM jsonb_to_recordset(lines) AS l(
            kind text, request_id text, key text, account text, model text, began double precision,
            at double precision, status integer, flags text, bytes_in bigint, bytes_out bigint,
            seconds double precision, compute_s numeric, tokens bigint, attempts integer
        )
        WHERE kind = 'settlement'
        ORDER BY request_id, at
        ON CONFLICT (request_id) DO UPDATE SET
            settled_at = excluded.settled_at, unsettled = false, status = excluded.status, flags = excluded.flags,
            bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out, seconds = excluded.seconds,
            compute_s = excluded.compute_s, tokens = excluded.tokens, attempts = excluded.attempts
        WHERE line.settled_at IS NULL
        RETURNING line.account, line.budget_start, line.budget_usd, line.cost_usd
    )
    SELECT
        count(*),
        jsonb_agg(jsonb_build_object(
            'account', account, 'start', budget_start, 'held', coalesce(budget_usd, 0), 'cost', cost_usd
        )) FILTER (WHERE budget_start IS NOT NULL)
    FROM written INTO settlements, over;
    IF over IS NOT NULL THEN
        PERFORM settle_budgets(over);
    END IF;
    RETURN NEXT;
END;
$$;

-- Mark lines that nothing settled in time, at most `most` of them. What they held of budgets is given back for good:
-- when their settlement comes after all, it only adds its cost.
CREATE FUNCTION give_up_unsettled(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    given_up bigint;
    held jsonb;
BEGIN
    WITH late AS (
        SELECT request_id, budget_usd FROM ledger
        WHERE settled_at IS NULL AND NOT unsettled AND due_at < now()
        ORDER BY request_id LIMIT most FOR UPDATE SKIP LOCKED
    ), marked AS (
        UPDATE ledger SET unsettled = true, budget_usd = 0 FROM late
        WHERE ledger.request_id = late.request_id
        RETURNING ledger.account, ledger.budget_start, late.budget_usd
    )
    SELECT
        count(*),
        jsonb_agg(jsonb_build_object(
            'account', account, 'start', budget_start, 'held', coalesce(budget_usd, 0), 'cost', 0
        )) FILTER (WHERE budget_start IS NOT NULL)
    FROM marked INTO given_up, held;
    IF held IS NOT NULL THEN
        PERFORM settle_budgets(held);
    END IF;
    RETURN given_up;
END;
$$;

-- Decide about calls whose keys or models have limits, in the order in which they are given. A call is admitted when
-- all its limits allow it, and only then takes from them; one that a budget allows gets its line in the ledger here.
--
-- Each call: n, request_id, key, account, model, at, patience_s, per_call, per_second, per_token, per_month,
--   included_calls, rates: [{subject, count, per_s}], budget: null or {calls, usd, period, hold}.
-- Returns for each: verdict `admitted`, `rate` or `budget` with the seconds after which it can be admitted, or `held`:
--   the rest of the budget is held for calls that are not over.
CREATE FUNCTION admit(asked jsonb) RETURNS TABLE (n integer, verdict text, wait_s double precision)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    call record;
    rate record;
    used record;
    instant double precision;
    wait double precision;
    start date;
BEGIN
    -- A rate outlives no crash, so that nothing waits for the disk for it.
    IF NOT jsonb_path_exists(asked, '$[*].budget.period') THEN
        PERFORM set_config('synchronous_commit', 'off', true);
    END IF;
    INSERT INTO rates (subject, full_at)
        SELECT DISTINCT subject, 0 FROM jsonb_path_query(asked, '$[*].rates[*]') AS r, jsonb_to_record(r) AS l(subject text)
        ORDER BY subject ON CONFLICT DO NOTHING;
    PERFORM 1 FROM rates WHERE subject IN (
            SELECT r ->> 'subject' FROM jsonb_path_query(asked, '$[*].rates[*]') AS r
        ) ORDER BY subject FOR UPDATE;
    INSERT INTO budgets (account, period_start)
        SELECT DISTINCT account, date_trunc(budget ->> 'period', now() AT TIME ZONE 'UTC')::date
        FROM jsonb_to_recordset(asked) AS l(account text, budget jsonb)
        WHERE budget ->> 'period' IS NOT NULL
        ORDER BY 1, 2 ON CONFLICT DO NOTHING;
    PERFORM 1 FROM budgets WHERE (account, period_start) IN (
            SELECT account, date_trunc(budget ->> 'period', now() AT TIME ZONE 'UTC')::date
            FROM jsonb_to_recordset(asked) AS l(account text, budget jsonb)
        ) ORDER BY account, period_start FOR UPDATE;
    instant := extract(epoch FROM clock_timestamp());

    FOR call IN SELECT * FROM jsonb_to_recordset(asked) AS l(
        n integer, request_id text, key text, account text, model text, at double precision,
        patience_s double precision, per_call numeric, per_second numeric, per_token numeric, per_month numeric,
        included_calls bigint, rates jsonb, budget jsonb
    ) ORDER BY l.n LOOP
        n := call.n;
        verdict := 'admitted';
        wait_s := 0;
        FOR rate IN
            SELECT l.subject, l.count, l.per_s, r.full_at
            FROM jsonb_to_recordset(call.rates) AS l(subject text, count integer, per_s double precision)
            JOIN rates r USING (subject)
        LOOP
            -- least(): a clock that was set back must not close a key for longer than its span.
            wait := greatest(0, least(rate.full_at - instant, rate.per_s)) + rate.per_s / rate.count - rate.per_s;
            IF wait > 1e-6 THEN
                verdict := 'rate';
                wait_s := greatest(wait_s, wait);
            END IF;
        END LOOP;
        IF call.budget ->> 'period' IS NOT NULL THEN
            start := date_trunc(call.budget ->> 'period', now() AT TIME ZONE 'UTC')::date;
            SELECT * FROM budgets b WHERE b.account = call.account AND b.period_start = start INTO used;
            IF used.calls + 1 > (call.budget ->> 'calls')::bigint
                OR (call.budget ->> 'usd' IS NOT NULL AND used.spent_usd >= (call.budget ->> 'usd')::numeric)
                OR used.spent_usd + (call.budget ->> 'hold')::numeric > (call.budget ->> 'usd')::numeric
            THEN
                verdict := 'budget';
                wait_s := extract(
                    epoch FROM (start + ('1 ' || (call.budget ->> 'period'))::interval) AT TIME ZONE 'UTC'
                ) - instant;
            ELSIF used.spent_usd + used.reserved_usd + (call.budget ->> 'hold')::numeric
                > (call.budget ->> 'usd')::numeric
            THEN
                verdict := 'held';
                wait_s := greatest(wait_s, 1);
            END IF;
        END IF;
        IF verdict = 'admitted' THEN
            UPDATE rates r
                SET full_at = greatest(instant, least(r.full_at, instant + l.per_s)) + l.per_s / l.count
                FROM jsonb_to_recordset(call.rates) AS l(subject text, count integer, per_s double precision)
                WHERE r.subject = l.subject;
            IF call.budget ->> 'period' IS NOT NULL THEN
                INSERT INTO ledger (
                    request_id, key, account, model, admitted_at, reserved, due_at,
                    price_per_call, price_per_second, price_per_token, price_per_month, included_calls,
                    budget_start, budget_usd
                ) VALUES (
                    call.request_id, call.key, call.account, call.model, to_timestamp(call.at), true,
                    to_timestamp(call.at + call.patience_s), coalesce(call.per_call, 0),
                    coalesce(call.per_second, 0), coalesce(call.per_token, 0),
                    coalesce(call.per_month, 0), coalesce(call.included_calls, 0), start, (call.budget ->> 'hold')::numeric
                ) ON CONFLICT DO NOTHING;
                IF FOUND THEN
                    UPDATE budgets b
                        SET calls = b.calls + 1, reserved_usd = b.reserved_usd + (call.budget ->> 'hold')::numeric
                        WHERE b.account = call.account AND b.period_start = start;
                END IF;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END;
$$;
