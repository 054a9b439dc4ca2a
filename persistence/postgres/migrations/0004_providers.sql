-- Providers where the buyer pays on their own page: an address instead of a secret, and where the buyer goes after it.
alter table payments alter column client_secret drop not null;
alter table payments add column redirect_url text;
alter table payments add column return_url text;
alter table payments add constraint one_way_to_pay check (num_nonnulls(client_secret, redirect_url) = 1);

-- A notice of an order that we had not heard of when it came: kept, and told to nobody until it comes again.
alter table webhook_events add column told boolean not null default true;
