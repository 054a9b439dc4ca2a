-- What types of events a row holds, where its writer says so. Whoever relays inside the process need not carry, and
-- read, hundreds of new bookings that nobody there follows.
alter table outbox add column types text[];
