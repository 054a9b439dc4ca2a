-- Refunds of confirmed bookings: several of one payment, numbered, written when they are decided and settled when the
-- provider has done them. What the policy lets the organizer keep is part of the one that ends the booking.
alter table refunds
  drop constraint refunds_amount_minor_check,
  add constraint refunds_amount_minor_check check (amount_minor >= 0),
  add column number int not null default 1 check (number > 0),
  add column withheld_minor bigint not null default 0 check (withheld_minor >= 0);
create index refunds_payment on refunds (payment_id, number);

-- Of a booking that was given back.
alter table tickets add column voided_at timestamptz;

-- What operators are shown: few rows, whatever the tables have grown to.
create index dead_letters_open on dead_letters (key) where resolved_at is null;
