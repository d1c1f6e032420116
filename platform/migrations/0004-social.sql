-- Follows, blocks, likes, saves, views, comments, notifications.
create table follow (
  follower_id uuid not null references account on delete cascade,
  followee_id uuid not null references account on delete cascade,
  created_at timestamptz not null,
  primary key (follower_id, followee_id),
  check (follower_id <> followee_id)
);
create index follow_followee on follow (followee_id, created_at desc, follower_id desc);
create index follow_follower on follow (follower_id, created_at desc, followee_id desc);

create table block (
  blocker_id uuid not null references account on delete cascade,
  blocked_id uuid not null references account on delete cascade,
  created_at timestamptz not null,
  primary key (blocker_id, blocked_id),
  check (blocker_id <> blocked_id)
);
create index block_blocked on block (blocked_id);
create index block_recent on block (blocker_id, created_at desc, blocked_id desc);

create table video_like (
  account_id uuid not null references account on delete cascade,
  video_id uuid not null references video on delete cascade,
  created_at timestamptz not null,
  primary key (account_id, video_id)
);
create index video_like_video on video_like (video_id);
create index video_like_recent on video_like (account_id, created_at desc, video_id desc);

create table video_save (
  account_id uuid not null references account on delete cascade,
  video_id uuid not null references video on delete cascade,
  created_at timestamptz not null,
  primary key (account_id, video_id)
);
create index video_save_recent on video_save (account_id, created_at desc, video_id desc);
create index video_save_video on video_save (video_id);

-- One row per sharer, video and hour, as with views: sharing again within the hour counts nothing.
create table video_share (
  sharer_key text not null,
  video_id uuid not null references video on delete cascade,
  hour timestamptz not null,
  primary key (video_id, sharer_key, hour)
);

-- One row per viewer, video and hour: what "counted once" stands on. The viewer is an account or a browser.
create table video_view (
  viewer_key text not null,
  video_id uuid not null references video on delete cascade,
  hour timestamptz not null,
  watched_ms integer not null,
  completions integer not null default 0,
  primary key (viewer_key, video_id, hour)
);
create index video_view_video on video_view (video_id);

create table comment (
  id uuid primary key,
  video_id uuid not null references video on delete cascade,
  account_id uuid not null references account on delete cascade,
  parent_id uuid references comment on delete cascade,
  body text not null,
  -- The Idempotency-Key of the request: a comment from an outbox is stored once.
  client_key uuid,
  like_count integer not null default 0,
  reply_count integer not null default 0,
  created_at timestamptz not null,
  deleted_at timestamptz,
  unique (account_id, client_key)
);
create index comment_thread on comment (video_id, created_at desc, id desc) where parent_id is null;
create index comment_replies on comment (parent_id, created_at, id);
create index comment_video on comment (video_id) where deleted_at is null;

create table comment_like (
  account_id uuid not null references account on delete cascade,
  comment_id uuid not null references comment on delete cascade,
  created_at timestamptz not null,
  primary key (account_id, comment_id)
);
create index comment_like_comment on comment_like (comment_id);

create table notification (
  id uuid primary key,
  account_id uuid not null references account on delete cascade,
  kind text not null,
  -- Same group: folded into one entry ("A and 3 others liked your video").
  group_key text not null,
  actor_id uuid references account on delete cascade,
  video_id uuid references video on delete cascade,
  comment_id uuid references comment on delete cascade,
  upload_id uuid,
  excerpt text,
  created_at timestamptz not null,
  read_at timestamptz
);
create index notification_account on notification (account_id, created_at desc, id desc);
create index notification_group on notification (account_id, group_key, created_at desc, id desc);
create index notification_unread on notification (account_id, group_key) where read_at is null;
create index notification_comment on notification (comment_id) where comment_id is not null;
-- Liking, unliking and liking again tells once; so does an upload that fails twice.
create unique index notification_once on notification (account_id, group_key, actor_id) nulls not distinct;
