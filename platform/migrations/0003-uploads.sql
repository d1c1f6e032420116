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
  size_bytes bigint not null check (size_bytes >= 0),
  received_bytes bigint not null default 0 check (received_bytes <= size_bytes),
  -- What the bytes are: the stages after `safe` are derived from the video's artefacts and from `transcode`.
  state text not null default 'receiving' check (state in ('receiving', 'safe', 'failed', 'cancelled')),
  failure_code text,
  failure_reason text,
  sha256 bytea,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  safe_at timestamptz,
  playable_at timestamptz,
  complete_at timestamptz,
  ended_at timestamptz,
  unique (account_id, client_key)
);
create index upload_account on upload (account_id, id desc);
create index upload_open on upload (state) where state in ('receiving', 'safe');
create unique index upload_video on upload (video_id);
