-- When modules/feed took a view into feed_signal; null until then. A mark on each event instead of the last id: ids are made
-- before their transactions commit, so a later id may be seen before an earlier one.
alter table event add column ranked_at timestamptz;
update event set ranked_at = created_at
where kind = 'viewed' and id <= (select last_event_id from feed_fold);
create index event_unranked on event (id) where ranked_at is null and kind = 'viewed';
drop table feed_fold;
