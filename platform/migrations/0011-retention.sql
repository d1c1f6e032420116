-- What is pruned by age is found by its age (modules/reactions, modules/notifications).
create index video_view_age on video_view (hour);
create index notification_age on notification (created_at);

-- What pruned views came to: with them a recount of a video's views still finds all that there ever were.
create table video_view_past (
  video_id uuid primary key references video on delete cascade,
  views bigint not null,
  watched_ms bigint not null,
  completions bigint not null
);
