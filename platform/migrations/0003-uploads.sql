-- Uploads and the work on them (modules/uploads, modules/transcoding). A row is the receipt: it is never deleted.
create table upload (
  id uuid primary key,
  account_id uuid not null references account on delete cascade,
  -- Kept when the video is deleted: the receipt stays.
  video_id uuid not null,
  -- The Idempotency-Key of the creating request.
  client_key uuid,
  filename text not null,
  media_type text not null,
  -- Upload-Metadata as it was sent: tus has it repeated in answers to HEAD.
  metadata text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  received_bytes bigint not null default 0 check (received_bytes <= size_bytes),
  -- What the bytes are: the stages after `safe` are derived from what there is of the video.
  state text not null default 'receiving' check (state in ('receiving', 'safe', 'failed', 'cancelled')),
  failure_code text,
  failure_reason text,
  sha256 bytea,
  -- Where in the file the index lies that was sent ahead; null: none was.
  index_offset bigint,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  safe_at timestamptz,
  -- When the original lay among the blobs and the encoder was told.
  stored_at timestamptz,
  ended_at timestamptz,
  unique (account_id, client_key)
);
create index upload_account on upload (account_id, id desc);
create index upload_receiving on upload (updated_at) where state = 'receiving';
create index upload_unstored on upload (safe_at) where state = 'safe' and stored_at is null;
create unique index upload_video on upload (video_id);
