-- Sessions that were ended before their time, kept for as long as a browser may show an assertion of one.
create table session_revocation (
  token_sha256 bytea primary key,
  revoked_at timestamptz not null
);
create index session_revocation_by_time on session_revocation (revoked_at);
