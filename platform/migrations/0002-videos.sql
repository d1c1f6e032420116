-- Videos, their artefacts and their counters (modules/videos, modules/transcoding).
create table video (
  id uuid primary key,
  account_id uuid not null references account on delete cascade,
  -- The upload that it came in by.
  upload_id uuid,
  caption text not null default '',
  visibility text not null default 'public' check (visibility in ('public', 'followers', 'private')),
  cover_at_ms integer,
  -- The author has asked for publishing; it happens as soon as the video can be played.
  publish_requested_at timestamptz,
  published_at timestamptz,
  -- Known from the first artefacts on.
  duration_ms integer,
  width integer,
  height integer,
  placeholder text,
  -- Goes into the address of poster and preview, so that a new cover gets a new address.
  poster_version integer,
  preview_version integer,
  -- The best generation that can be played; null: none yet.
  generation integer,
  playable_height integer,
  is_complete boolean not null default false,
  playable_at timestamptz,
  complete_at timestamptz,
  -- Why no video could be made of the original: a code of the errors' table, and what is wrong with this very file.
  failure_code text,
  failure_reason text,
  failed_at timestamptz,
  -- Of the work that goes on now: 0 to 1, and seconds to its end; null: unknown.
  work_progress real,
  work_left_s real,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  -- When its files were removed after the deletion.
  erased_at timestamptz
);
create index video_account on video (account_id, published_at desc, id desc);
create index video_published on video (published_at desc, id desc) where published_at is not null and deleted_at is null and visibility = 'public';

-- One row per generation that has artefacts: the manifest as it lies among the blobs.
create table video_generation (
  video_id uuid not null references video on delete cascade,
  generation integer not null,
  kind text not null check (kind in ('copied', 'first-rung', 'ladder')),
  -- A MediaManifest of engines/ladder.
  manifest jsonb not null,
  -- Segments are still being added to it.
  is_growing boolean not null default false,
  created_at timestamptz not null,
  -- Set when a better generation replaced it; its blobs stay for 24 hours after that.
  retired_at timestamptz,
  primary key (video_id, generation)
);

create table video_tag (
  video_id uuid not null references video on delete cascade,
  tag text not null,
  primary key (video_id, tag)
);
create index video_tag_tag on video_tag (tag, video_id);

create table video_counter (
  video_id uuid primary key references video on delete cascade,
  views bigint not null default 0,
  likes bigint not null default 0,
  comments bigint not null default 0,
  saves bigint not null default 0,
  shares bigint not null default 0,
  -- Sums over counted views, for ranking.
  watched_ms bigint not null default 0,
  completions bigint not null default 0,
  as_of timestamptz not null
);
