-- Files that are missing or rotten, and what is done about them (modules/transcoding, modules/videos).

-- Set when files of it were found missing or rotten: it is not played any more, and a new one is made.
alter table video_generation add column broken_at timestamptz;
create index video_generation_retired on video_generation (retired_at) where retired_at is not null;

-- What the work on the video waits for; null: for nothing but its turn.
alter table video add column work_waits_for text check (work_waits_for in ('space', 'storage'));

alter table transcode
  -- Under which generations the next first one and the next ladder are made. Addresses of segments never get new contents.
  add column first_generation integer not null default 1,
  add column ladder_generation integer not null default 2,
  -- When the reconciler last looked whether its files are there, and when whether they are as they were written.
  add column looked_at timestamptz,
  add column scrubbed_at timestamptz;
create index transcode_looked_at on transcode (looked_at nulls first);
create index transcode_scrubbed_at on transcode ((coalesce(scrubbed_at, created_at)));

-- The folder of blobs that belongs to this database: a blob of this name lies in it. Without it the folder is another one
-- (a disk that is not mounted, say), and a file that is missing there is not lost.
create table blob_store (
  is_only boolean primary key default true check (is_only),
  id uuid not null,
  -- When the blob was put there; null: not yet.
  marked_at timestamptz
);

-- What there is still to do, and how much of it each account has waiting.
create index video_unfinished on video (account_id, id)
  where not is_complete and deleted_at is null and failed_at is null;
