-- The work of making a video playable (modules/transcoding). One row per video whose bytes have been looked at.
create table transcode (
  video_id uuid primary key references video on delete cascade,
  account_id uuid not null,
  -- How the original is to be read and what is made of it; null: not looked at yet.
  demuxer text,
  mode text check (mode in ('copy', 'encode')),
  -- A LadderPlan of engines/ladder.
  plan jsonb,
  -- How often the encoder died of this source.
  crashes integer not null default 0,
  -- Who works on it: one at a time. The claim lapses unless it is renewed.
  claimed_by uuid,
  claimed_until timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- What lies among the blobs before a manifest says so: work that was cut off goes on after its last segment.
create table transcode_rendition (
  video_id uuid not null references video on delete cascade,
  generation integer not null,
  rendition text not null,
  -- A TrackInit of engines/ladder.
  track jsonb not null,
  init_size_bytes integer not null,
  init_sha256 text not null,
  is_whole boolean not null default false,
  primary key (video_id, generation, rendition)
);

create table transcode_segment (
  video_id uuid not null,
  generation integer not null,
  rendition text not null,
  position integer not null,
  duration_ms double precision not null,
  size_bytes integer not null,
  sha256 text not null,
  primary key (video_id, generation, rendition, position),
  foreign key (video_id, generation, rendition) references transcode_rendition on delete cascade
);
