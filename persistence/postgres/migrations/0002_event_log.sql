-- What the consumers of the event log keep: notifications to send, counts by the hour; and what was last told of a zone.

create table notifications (
  event_id uuid not null,
  booking_id uuid not null,
  kind text not null check (kind in ('confirmed', 'expired', 'refunded')),
  user_id uuid not null,
  status text not null default 'pending' check (status in ('pending', 'sent', 'failed')),
  attempts int not null default 0,
  created_at timestamptz not null default now(),
  sent_at timestamptz,
  primary key (event_id, booking_id, kind)
);
create index notifications_pending on notifications (created_at) where status = 'pending';

-- By the hour in which something happened, in UTC. A day is the sum of its hours, so the two cannot disagree.
create table analytics_hourly (
  event_id uuid not null,
  hour timestamptz not null,
  currency char(3) not null,
  confirmed int not null default 0,
  cancelled int not null default 0,
  expired int not null default 0,
  refunded int not null default 0,
  revenue_minor bigint not null default 0,
  returned_minor bigint not null default 0,
  primary key (event_id, hour, currency)
);

-- Of the bookings themselves: there are too many to write a word of each a second time.
create view bookings_hourly as
  select event_id, date_trunc('hour', created_at, 'UTC') as hour, currency, count(*) as reserved
  from bookings group by 1, 2, 3;

create view analytics_daily as
  select event_id, (hour at time zone 'UTC')::date as day, currency, coalesce(sum(reserved), 0) as reserved,
         coalesce(sum(confirmed), 0) as confirmed, coalesce(sum(cancelled), 0) as cancelled, coalesce(sum(expired), 0) as expired, coalesce(sum(refunded), 0) as refunded,
         coalesce(sum(revenue_minor), 0) as revenue_minor, coalesce(sum(returned_minor), 0) as returned_minor,
         round(coalesce(sum(confirmed), 0)::numeric / nullif(sum(reserved), 0), 4) as conversion_rate
  from analytics_hourly full join bookings_hourly using (event_id, hour, currency) group by 1, 2, 3;

-- One row a zone, apart from the zone's own: that one belongs to the hot path.
create table zone_news (
  event_id uuid not null,
  zone_id uuid not null,
  version bigint not null,
  available int not null,
  told_at timestamptz not null,
  primary key (event_id, zone_id)
);
