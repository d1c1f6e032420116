/** The queues of transcoding: `first-playable` has slots of its own in role ingest, `improve` runs in role worker. */
import type { Queue } from '../../infra/jobs/index.ts'

export interface TranscodeJob {
  readonly videoId: string
  readonly accountId: string
}

/** Retries are for what is not the source's fault: the source's own faults end a job at once. */
const common = { retryLimit: 10, retryDelayS: 1, heartbeatS: 10, isUniqueByKey: true }

export const firstPlayableQueue: Queue<TranscodeJob> = { ...common, name: 'first-playable', expireS: 1800 }
export const improveQueue: Queue<TranscodeJob> = { ...common, name: 'improve', expireS: 7200 }
