/** Domain events: appended with the change that they tell of, folded later into counters, ranking and notifications. */
import { v7 as uuidv7 } from 'uuid'
import type { DomainEvent } from '../../contract/events.ts'
import type { Clock } from '../../kit/clock.ts'
import { notifyAll, type Tx } from '../infra/db/index.ts'

interface EventTable {
  id: string
  kind: string
  account_id: string | null
  video_id: string | null
  subject_id: string | null
  payload: string
  created_at: Date
  /** When the counters took it in; null until then. */
  folded_at: Date | null
  /** When the ranking took a view in; null until then. */
  ranked_at: Date | null
}

declare module '../infra/db/tables.ts' {
  interface Tables {
    event: EventTable
  }
}

/** The NOTIFY channel on which each appended event is told to all processes. */
export const EVENTS_CHANNEL = 'events'

export interface Events {
  /** Records the event in the caller's transaction; other processes hear of it when that commits. */
  append(tx: Tx, event: DomainEvent): Promise<void>
  /** The same for several, in two statements however many they are. */
  appendAll(tx: Tx, events: readonly DomainEvent[]): Promise<void>
}

/** The id of an event is a UUIDv7, so events read in order of id are in order of time, within clock skew. */
export function createEvents(clock: Clock): Events {
  async function appendAll(tx: Tx, events: readonly DomainEvent[]): Promise<void> {
    if (events.length === 0) return
    await tx
      .insertInto('event')
      .values(events.map((event) => toRow(event, clock.now())))
      .execute()
    await notifyAll(tx, EVENTS_CHANNEL, events)
  }
  return { append: (tx, event) => appendAll(tx, [event]), appendAll }
}

function toRow(event: DomainEvent, createdAt: Date): EventTable {
  const {
    kind,
    accountId,
    videoId = null,
    subjectId = null,
    ...payload
  } = event as DomainEvent & Partial<Record<'videoId' | 'subjectId', string>>
  return {
    id: uuidv7({ msecs: createdAt.getTime() }),
    kind,
    account_id: accountId,
    video_id: videoId,
    subject_id: subjectId,
    payload: JSON.stringify(payload),
    created_at: createdAt,
    folded_at: null,
    ranked_at: null,
  }
}
