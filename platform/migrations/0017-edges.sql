-- What edges ask for each second: which videos changed of late.
create index event_media_change on event (id) where kind in ('video-changed', 'video-deleted');
