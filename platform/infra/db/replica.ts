/** How far a streaming replica of PostgreSQL is behind, as the replica itself knows it. */
import { Client } from 'pg'

/** What a replica says at one moment. */
export interface ReplicaSample {
  /** False: it is no replica, and behind nothing. */
  readonly isReplica: boolean
  /** Since the last transaction that was replayed was committed; null: none was. */
  readonly replayedAgeS: number | null
  readonly isStreaming: boolean
  /** Since the sender was last heard of; null: never, or this user may not know. */
  readonly quietS: number | null
  /** Whether all that has arrived is replayed. */
  readonly isAllReplayed: boolean
}

/** The sender speaks at least at half of wal_sender_timeout, which is 60 s by default; a little more for the way. */
const QUIET_MAX_S = 35
const TIMEOUT_MS = 2_000

/**
 * How far it is behind.
 *
 * A replica with nothing to replay looks old by `pg_last_xact_replay_timestamp` alone: it is up to date while the sender is
 * there and all is replayed. Afterwards the time counts from when it last was.
 *
 * @param sinceCurrentS since it was known to be up to date; null: it never was
 * @returns seconds; null: unknown
 */
export function behindOf(sample: ReplicaSample, sinceCurrentS: number | null): number | null {
  if (isCurrent(sample)) return 0
  if (!sample.isReplica) return 0
  const { isStreaming, replayedAgeS } = sample
  // What arrives is old by as much as what was replayed last; without a sender nothing is known but when it was current.
  if (isStreaming && !sample.isAllReplayed) return replayedAgeS
  return sinceCurrentS ?? replayedAgeS
}

/** Whether it has all that its sender has. */
export const isCurrent = ({ isReplica, isStreaming, quietS, isAllReplayed }: ReplicaSample): boolean =>
  !isReplica || (isStreaming && isAllReplayed && quietS !== null && quietS <= QUIET_MAX_S)

const QUESTION = `
  select pg_is_in_recovery() as "isReplica",
    extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as "replayedAgeS",
    coalesce(receiver.status = 'streaming', false) as "isStreaming",
    extract(epoch from clock_timestamp() - receiver.last_msg_receipt_time)::float8 as "quietS",
    coalesce(pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn(), false) as "isAllReplayed"
  from (select 1) as one left join pg_stat_wal_receiver as receiver on true`

export interface ReplicaProbe extends AsyncDisposable {
  /** @throws when it does not answer within 2 s */
  ask(): Promise<ReplicaSample>
}

/** Connects when it is asked, and again after a failure. Its user needs the role pg_read_all_stats. */
export function openReplica(url: string): ReplicaProbe {
  let client: Client | null = null
  const leave = async (): Promise<void> => {
    const left = client
    client = null
    await left?.end().catch(() => {})
  }
  return {
    async ask() {
      try {
        if (!client) {
          const fresh = new Client({
            ...{ connectionString: url, connectionTimeoutMillis: TIMEOUT_MS, query_timeout: TIMEOUT_MS },
            application_name: 'upbeat-region',
          })
          // A connection that breaks while it idles is noticed by the next question.
          fresh.on('error', () => {})
          await fresh.connect()
          client = fresh
        }
        const { rows } = await client.query<ReplicaSample>(QUESTION)
        return rows[0]!
      } catch (error) {
        void leave()
        throw error
      }
    },
    [Symbol.asyncDispose]: leave,
  }
}
