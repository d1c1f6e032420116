-- Accounts and sessions (modules/accounts; the columns that better-auth knows keep its meaning).
create table account (
  id uuid primary key,
  name text not null,
  -- An internal `<id>@noreply.invalid` when the person gave none; never shown or mailed.
  email text not null unique,
  email_verified boolean not null default false,
  image text,
  username text not null unique,
  display_username text not null,
  role text not null default 'member' check (role in ('member', 'operator')),
  bio text not null default '',
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table auth_session (
  id uuid primary key,
  user_id uuid not null references account on delete cascade,
  token text not null unique,
  ip_address text,
  user_agent text,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index auth_session_user on auth_session (user_id);

create table auth_credential (
  id uuid primary key,
  user_id uuid not null references account on delete cascade,
  account_id text not null,
  provider_id text not null,
  password text,
  access_token text,
  refresh_token text,
  id_token text,
  access_token_expires_at timestamptz,
  refresh_token_expires_at timestamptz,
  scope text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index auth_credential_user on auth_credential (user_id);

create table auth_verification (
  id uuid primary key,
  identifier text not null,
  value text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create index auth_verification_identifier on auth_verification (identifier);

-- The one-time link that makes the operator's account: at most one row is open at a time.
create table operator_link (
  token_sha256 bytea primary key,
  created_at timestamptz not null,
  used_at timestamptz,
  used_by uuid references account on delete set null
);

create table event (
  id uuid primary key,
  kind text not null,
  account_id uuid,
  video_id uuid,
  subject_id uuid,
  payload jsonb not null default '{}',
  created_at timestamptz not null,
  folded_at timestamptz
);
create index event_unfolded on event (id) where folded_at is null;
