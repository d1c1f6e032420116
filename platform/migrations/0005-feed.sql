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

-- Everything that decides what a page of the feed may show, or says of the viewer: a line for each change, written with it.
-- A process that has read all lines of the transactions before its snapshot may trust what it keeps in memory.
create table feed_change (
  seq bigint generated always as identity primary key,
  -- Transactions commit in another order than they begin: readers go on from the oldest that was still open.
  xid xid8 not null default pg_current_xact_id(),
  kind text not null,
  -- The video, the author, or the account that acts.
  subject_id uuid not null,
  object_id uuid,
  changed_at timestamptz not null default now()
);
create index feed_change_xid on feed_change (xid);
create index feed_change_age on feed_change (changed_at);

create function feed_note_video() returns trigger language plpgsql as $$
begin
  insert into feed_change (kind, subject_id) values ('video', old.id);
  return null;
end $$;
create trigger feed_note_video
  after update of caption, visibility, published_at, deleted_at, duration_ms, width, height, placeholder, poster_version,
    preview_version, generation, playable_height, is_complete
  on video for each row execute function feed_note_video();
create trigger feed_note_video_gone after delete on video for each row execute function feed_note_video();

create function feed_note_author() returns trigger language plpgsql as $$
begin
  insert into feed_change (kind, subject_id) values ('author', old.id);
  return null;
end $$;
create trigger feed_note_author after update of name, image, display_username on account
  for each row execute function feed_note_author();

create function feed_note_reaction() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into feed_change (kind, subject_id, object_id) values (tg_argv[0], new.account_id, new.video_id);
  else
    insert into feed_change (kind, subject_id, object_id) values (tg_argv[1], old.account_id, old.video_id);
  end if;
  return null;
end $$;
create trigger feed_note_like after insert or delete on video_like
  for each row execute function feed_note_reaction('liked', 'unliked');
create trigger feed_note_save after insert or delete on video_save
  for each row execute function feed_note_reaction('saved', 'unsaved');

create function feed_note_follow() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into feed_change (kind, subject_id, object_id) values ('followed', new.follower_id, new.followee_id);
  else
    insert into feed_change (kind, subject_id, object_id) values ('unfollowed', old.follower_id, old.followee_id);
  end if;
  return null;
end $$;
create trigger feed_note_follow after insert or delete on follow for each row execute function feed_note_follow();

create function feed_note_block() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into feed_change (kind, subject_id, object_id) values ('blocked', new.blocker_id, new.blocked_id);
  else
    insert into feed_change (kind, subject_id, object_id) values ('unblocked', old.blocker_id, old.blocked_id);
  end if;
  return null;
end $$;
create trigger feed_note_block after insert or delete on block for each row execute function feed_note_block();
