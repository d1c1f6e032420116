-- Plain search over captions, tags and people (modules/search).
create extension if not exists pg_trgm;
create index video_caption_trgm on video using gin (lower(caption) gin_trgm_ops);
create index account_username_trgm on account using gin (username gin_trgm_ops);
create index account_name_trgm on account using gin (lower(name) gin_trgm_ops);
create index video_tag_trgm on video_tag using gin (tag gin_trgm_ops);
