-- The waiting rooms and their logs. A room is what its log adds up to; this row fences its owners: an append that does
-- not name the present epoch and the log's last entry changes nothing.

create table waiting_rooms (
  event_id uuid primary key,
  epoch bigint not null,
  last_seq bigint not null default 0,
  -- Secrets, 64 hexadecimal digits each: the salt hides users in the published log, the seed decides the shuffle.
  salt text not null,
  seed text not null,
  -- [{"code_hash": hex, "reason": text}]
  access_codes jsonb not null default '[]'
);

-- Never updated, never deleted from. `hash` covers the entry and the hash before it (engine/queue-log.ts); the user is
-- not covered, so that the chain can be published without them.
create table queue_log (
  event_id uuid not null,
  seq bigint not null,
  at_ms bigint not null,
  kind text not null,
  user_id uuid,
  who bytea,
  line text,
  place int,
  detail text not null,
  hash bytea not null,
  primary key (event_id, seq)
);
