-- Ranking snapshots that cursors point into (modules/feed). Unlogged: a cursor also carries what was shown last, so a lost
-- snapshot costs a new ranking and nothing else.
create unlogged table feed_snapshot (
  id uuid primary key,
  account_id uuid,
  -- Ids, reasons and parts in order, as modules/feed packs them.
  body bytea not null,
  expires_at timestamptz not null
);
create index feed_snapshot_expires on feed_snapshot (expires_at);

-- How each video is watched of late: sums over counted views, halved every 48 hours, as they were at `as_of`.
create table feed_signal (
  video_id uuid primary key references video on delete cascade,
  views double precision not null,
  completion double precision not null,
  as_of timestamptz not null,
  -- log2(views) + as_of in half-lives: orders videos by decayed views at any later time.
  heat double precision not null
);
create index feed_signal_heat on feed_signal (heat desc);

-- How far the events have been folded into feed_signal: one row.
create table feed_fold (
  is_only boolean primary key default true check (is_only),
  last_event_id uuid not null
);
insert into feed_fold (last_event_id) values ('00000000-0000-0000-0000-000000000000');
