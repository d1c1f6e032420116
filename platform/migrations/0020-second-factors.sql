-- Second factors, passkeys and fresh proof of who sits there (modules/accounts).

create table account_totp (
  account_id uuid primary key references account on delete cascade,
  -- AES-256-GCM under a key of the instance.
  secret_sealed bytea not null,
  created_at timestamptz not null,
  -- Null: set up, and not yet confirmed by a code.
  confirmed_at timestamptz,
  -- The last time step that was taken: none is taken twice (RFC 6238, 5.2).
  last_step bigint not null default 0
);

create table recovery_code (
  account_id uuid not null references account on delete cascade,
  code_sha256 bytea not null,
  used_at timestamptz,
  primary key (account_id, code_sha256)
);

create table account_passkey (
  -- The credential's id, as the authenticator names it.
  id text primary key,
  account_id uuid not null references account on delete cascade,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null default '{}',
  name text not null,
  is_backed_up boolean not null,
  created_at timestamptz not null,
  used_at timestamptz
);
create index account_passkey_of on account_passkey (account_id);

-- A WebAuthn challenge, good once.
create table passkey_challenge (
  challenge text primary key,
  -- Null: for signing in, whoever it is.
  account_id uuid references account on delete cascade,
  expires_at timestamptz not null
);
create index passkey_challenge_age on passkey_challenge (expires_at);

-- When the person at a session last proved who they are.
create table session_proof (
  session_id uuid primary key references auth_session on delete cascade,
  proven_at timestamptz not null
);
