-- Where an account was signed in from (modules/accounts), so that its owner is told of a new place.
create table account_place (
  account_id uuid not null references account on delete cascade,
  -- A kind of device, such as "Chrome on Android".
  device text not null,
  -- An IPv4 address, or the /64 of an IPv6 one.
  network text not null,
  seen_at timestamptz not null,
  primary key (account_id, device, network)
);
create index account_place_age on account_place (seen_at);
