-- What is posted in accounts on public networks: one row for each account and notice.
create table post (
  id text primary key,
  service_id text not null,
  -- The account's id in the service's file.
  target_id text not null,
  notice_id text not null,
  -- The incident or maintenance: its posts are one thread.
  subject_id text not null,
  at_ms integer not null,
  due_at_ms integer not null,
  first_due_at_ms integer not null,
  attempts integer not null default 0,
  -- waiting, sent or given-up.
  state text not null default 'waiting',
  last_error text,
  -- JSON, once it is posted: where it is, and where its thread begins.
  ref text,
  root_ref text
);
-- Nothing is posted twice in one account.
create unique index post_once on post (service_id, target_id, notice_id);
create index post_due on post (due_at_ms) where state = 'waiting';
create index post_of_thread on post (service_id, target_id, subject_id, at_ms);
create index post_at on post (at_ms);

-- What is deleted by its age is found by it.
create index notice_at on notice (at_ms);
create index message_of_notice on message (notice_id);
create index report_minute_at on report_minute (at_ms);
create index response_bucket_at on response_bucket (at_ms);
create index probe_event_at on probe_event (at_ms);
create index component_change_at on component_change (at_ms);
create index marker_at on marker (at_ms);
create index official_word_read on official_word (read_at_ms);
