-- Ranking snapshots that cursors point into (modules/feed).
create table feed_snapshot (
  id uuid primary key,
  account_id uuid references account on delete cascade,
  kind text not null check (kind in ('for-you', 'following')),
  -- [{ id, reason }] in order, as engines/for-you gave them.
  items jsonb not null,
  ranked_at timestamptz not null,
  expires_at timestamptz not null
);
create index feed_snapshot_expires on feed_snapshot (expires_at);
