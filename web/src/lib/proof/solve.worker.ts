/** Does the sum beside the page, so that nothing on it stands still. */
import type { ProofChallenge } from '../../../../contract/proofs.ts'
import { findNumber } from './find-number.ts'

addEventListener('message', ({ data }: MessageEvent<ProofChallenge>) => postMessage(findNumber(data)))
