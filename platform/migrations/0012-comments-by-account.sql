-- Whoever comments on a video has seen it: the ranking asks for an account's last comments (modules/feed).
create index comment_account on comment (account_id, created_at desc);
