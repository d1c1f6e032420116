-- What stands between a guessed or leaked password and an account (modules/accounts).

-- How often strangers may still guess at a name, whether an account has it or not. Keyed by an HMAC.
create table sign_in_budget (
  name_key bytea primary key,
  guesses double precision not null,
  at timestamptz not null
);
create index sign_in_budget_age on sign_in_budget (at);

-- Browsers in which an account was signed in, by the hash of their cookie.
create table account_device (
  account_id uuid not null references account on delete cascade,
  device_sha256 bytea not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  primary key (account_id, device_sha256)
);
create index account_device_age on account_device (seen_at);

-- The failures in all and their baseline, as the engine saves them.
create table sign_in_baseline (
  id integer primary key check (id = 1),
  state jsonb not null,
  at timestamptz not null
);

-- A second step under way. Without an account it is a decoy, which no code completes.
create table sign_in_confirmation (
  token_sha256 bytea primary key,
  account_id uuid references account on delete cascade,
  name_key bytea not null,
  mail_code_sha256 bytea,
  tries integer not null default 0,
  expires_at timestamptz not null
);
create index sign_in_confirmation_age on sign_in_confirmation (expires_at);

-- What the owner was told of, and may say of: this wasn't me.
create table sign_in_notice (
  id uuid primary key,
  account_id uuid not null references account on delete cascade,
  session_id uuid not null,
  device text not null,
  address text not null,
  created_at timestamptz not null,
  denied_at timestamptz
);
create index sign_in_notice_of on sign_in_notice (account_id, created_at);

-- Accounts whose password counts as known to others: nobody new gets in by it.
create table password_alarm (
  account_id uuid primary key references account on delete cascade,
  at timestamptz not null
);
