-- Entries of the journal (platform/app/journal) that are settled: written in the transaction of what an entry asks for, so
-- that an entry which is read again, after a death in the middle, is done once.
create table journal_settled (
  id uuid primary key,
  -- done, void (it can no longer be done), superseded (a later one is done), set-aside.
  outcome text not null,
  -- What the entry sets, such as the like of one account and video: of two, the later one stands.
  sets text,
  kept_at timestamptz not null,
  settled_at timestamptz not null
);
create index journal_settled_sets on journal_settled (sets, kept_at desc) where sets is not null;
create index journal_settled_age on journal_settled (settled_at);
