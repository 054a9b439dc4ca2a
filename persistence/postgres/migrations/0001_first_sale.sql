-- Accounts, catalogue, zones, bookings, payments, tickets, the journal of the sagas, the outbox.
-- Every table of a sale carries event_id first in its key, and no transaction spans two events, so that the data can
-- be sharded by event without a change of code.

create type booking_status as enum ('reserved', 'confirmed', 'cancelled', 'expired', 'refunded');

create table tenants (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default now()
);

create table users (
  id uuid primary key,
  tenant_id uuid references tenants,
  email text not null,
  password_hash text not null,
  name text not null,
  role text not null check (role in ('user', 'organizer', 'admin')),
  created_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));

-- A session is a family of tokens that follow each other; its id is that of the first, whose revoked_at is the family's.
create table refresh_tokens (
  id uuid primary key,
  family_id uuid not null,
  user_id uuid not null references users,
  token_hash bytea not null unique,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  successor_id uuid,
  revoked_at timestamptz
);
create index refresh_tokens_user on refresh_tokens (user_id);

create table categories (
  id uuid primary key,
  slug text not null unique,
  name text not null
);

create table events (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  category_id uuid references categories,
  slug text not null unique,
  name text not null,
  description text not null default '',
  venue_name text not null default '',
  city text not null default '',
  country text not null default '',
  status text not null check (status in ('draft', 'configured', 'approved', 'published', 'cancelled')),
  gate_generation bigint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table event_configs (
  event_id uuid primary key references events,
  max_per_user int not null default 10 check (max_per_user > 0),
  waiting_room text not null default 'off' check (waiting_room in ('off', 'open', 'paused', 'drain'))
);

create table shows (
  event_id uuid not null references events,
  id uuid not null unique,
  name text not null,
  starts_at timestamptz not null,
  sale_start_at timestamptz not null,
  sale_end_at timestamptz not null,
  primary key (event_id, id)
);

-- One row a zone, rewritten by every batch: half of each page stays free so that the rewrite is a HOT update.
create table zones (
  event_id uuid not null,
  id uuid not null unique,
  show_id uuid not null,
  name text not null,
  kind text not null check (kind in ('general', 'seated')),
  sort_order int not null default 0,
  price_minor bigint not null check (price_minor >= 0),
  currency char(3) not null,
  capacity int not null check (capacity >= 0),
  available int not null check (available >= 0),
  held int not null default 0 check (held >= 0),
  sold int not null default 0 check (sold >= 0),
  blocked int not null default 0 check (blocked >= 0),
  owner_epoch bigint not null default 0,
  gate_generation bigint not null default 0,
  version bigint not null default 0,
  primary key (event_id, id),
  foreign key (event_id, show_id) references shows (event_id, id),
  constraint zones_conserved check (available + held + sold + blocked = capacity)
) with (fillfactor = 50);

-- No foreign keys and two indexes only: this is the table of the hot path.
create table bookings (
  event_id uuid not null,
  id uuid not null,
  zone_id uuid not null,
  user_id uuid not null,
  idempotency_key bytea not null,
  fingerprint bytea not null,
  quantity int not null check (quantity > 0),
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null,
  status booking_status not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  extended_from timestamptz,
  changed_at timestamptz,
  primary key (event_id, id)
) with (fillfactor = 80);
create unique index bookings_once_per_key on bookings (user_id, event_id, idempotency_key);

-- Raises inside the one statement of a batch, so that truth takes the whole batch or none of it.
create function refuse_batch(reason text) returns boolean language plpgsql as $$
begin
  raise exception using errcode = 'ON001', message = reason;
end $$;

create table payments (
  event_id uuid not null,
  id uuid not null,
  booking_id uuid not null,
  user_id uuid not null,
  provider text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency char(3) not null,
  status text not null check (status in ('pending', 'succeeded', 'cancelled', 'refunding', 'refunded')),
  intent_id text not null,
  client_secret text not null,
  created_at timestamptz not null,
  changed_at timestamptz,
  primary key (event_id, id),
  unique (provider, intent_id)
);
create index payments_booking on payments (booking_id);
create index payments_id on payments (id);

create table payment_attempts (
  event_id uuid not null,
  payment_id uuid not null,
  attempt int not null,
  decline_code text not null,
  failed_at timestamptz not null,
  primary key (event_id, payment_id, attempt)
);

create table refunds (
  event_id uuid not null,
  id uuid not null,
  payment_id uuid not null,
  booking_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  reason text not null,
  provider_refund_id text,
  created_at timestamptz not null,
  settled_at timestamptz,
  primary key (event_id, id)
);

create table webhook_events (
  provider text not null,
  provider_event_id text not null,
  kind text not null,
  payload bytea not null,
  received_at timestamptz not null,
  primary key (provider, provider_event_id)
);

create table tickets (
  event_id uuid not null,
  code text not null unique,
  booking_id uuid not null,
  zone_id uuid not null,
  user_id uuid not null,
  number int not null check (number > 0),
  issued_at timestamptz not null,
  primary key (event_id, booking_id, number)
);

-- The journal of event-sourced actors: one row a decision, its events packed. A second writer of the same number is a
-- zombie, and the primary key says so.
create table actor_events (
  key text not null,
  seq bigint not null,
  data bytea not null,
  created_at timestamptz not null default now(),
  primary key (key, seq)
);

create table actor_snapshots (
  key text primary key,
  seq bigint not null,
  data bytea not null,
  created_at timestamptz not null default now()
);

-- The sagas as an operator sees them, written with the journal.
create table saga_instances (
  event_id uuid not null,
  booking_id uuid not null,
  status text not null,
  step text,
  attempts int not null default 0,
  error text,
  wake_at timestamptz,
  updated_at timestamptz not null,
  primary key (event_id, booking_id)
);
create index saga_instances_unfinished on saga_instances (updated_at) where status in ('paying', 'running', 'compensating');

-- Written in the transaction of the state it tells of. `events` is a JSON array of envelopes in their order.
create table outbox (
  seq bigint generated always as identity primary key,
  topic text not null,
  events text not null,
  created_at timestamptz not null default now(),
  published_at timestamptz
);
create index outbox_waiting on outbox (seq) where published_at is null;

create table inbox (
  consumer text not null,
  event_id text not null,
  processed_at timestamptz not null default now(),
  primary key (consumer, event_id)
);

create table dead_letters (
  id uuid primary key,
  topic text not null,
  key text not null,
  consumer text not null,
  event text not null,
  error text not null,
  attempts int not null,
  created_at timestamptz not null default now(),
  resolved_at timestamptz
);

create table audit_logs (
  id uuid not null,
  at timestamptz not null default now(),
  actor_id uuid,
  action text not null,
  subject text not null,
  details jsonb not null default '{}',
  primary key (at, id)
) partition by range (at);
create table audit_logs_rest partition of audit_logs default;
