-- While a backup is made, no file that its snapshot of the database may name is deleted (infra/blobs).
create table blob_hold (
  is_only boolean primary key default true check (is_only),
  -- Who holds, so that a hold that has lapsed can't be renewed by whoever slept through its end.
  holder_id uuid not null,
  held_until timestamptz not null
);

-- What was to be deleted meanwhile: it is made up for afterwards.
create table blob_deletion (
  key text primary key,
  is_prefix boolean not null,
  -- What was stored under the key later than this is another file, and stays.
  asked_at timestamptz not null
);
create index blob_deletion_age on blob_deletion (asked_at);
