/** Transcoding: from the bytes of an original to what players play, in two lanes of jobs, and while it arrives. */
import './transcoding.schema.ts'
export type { ArrivingUpload, StreamingEncode, StreamingOutcome } from './arriving-upload.ts'
export { markBlobStore } from './blob-store.ts'
export { startStreamingEncode } from './streaming.ts'
export { requestFirstPlayable, startFirstPlayableLane, startImproveLane } from './lanes.ts'
export type { TranscodeJob } from './transcoding.jobs.ts'
