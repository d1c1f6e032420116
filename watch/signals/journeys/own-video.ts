/** The private video that journeys comment on and like: one an instance, made once. */
import type { Page } from '../../../contract/common.ts'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Receipt } from '../../../contract/uploads.ts'
import { sendClip, waitForReceipt } from './clip.ts'
import { journeyFailure, JourneyError, type Traveller } from './traveller.ts'

const CAPTION = 'The outage monitor comments here'

export interface JourneyVideos {
  /** Its id, for a traveller who is signed in. @throws {JourneyError} while there is none yet */
  find(traveller: Traveller): Promise<string>
  /** It may be gone: the next journey looks for it. */
  forget(traveller: Traveller): void
}

/** Begins with nothing known. */
export function createJourneyVideos(): JourneyVideos {
  /** Uploads that were not playable when a journey's time was over: the next one waits on, and uploads no other. */
  const begun = new Map<string, Receipt>()
  /** Once found it is not asked for again: what keeps the list from us must not keep us from what we look at. */
  const found = new Map<string, string>()
  /** Journeys that begin at the same time share one upload. */
  const making = new Map<string, Promise<string>>()

  async function findOrMake(traveller: Traveller): Promise<string> {
    const own = await traveller.getJson<Page<VideoCard>>('own-video', '/api/v1/me/videos?limit=50')
    const there = own.items.find(({ caption }) => caption === CAPTION)
    if (there) {
      begun.delete(traveller.origin)
      found.set(traveller.origin, there.id)
      return there.id
    }
    const receipt = begun.get(traveller.origin) ?? (await sendClip(traveller, CAPTION))
    begun.set(traveller.origin, receipt)
    try {
      await waitForReceipt(traveller, receipt.id, 'playable')
    } catch (error) {
      // It failed, or is not known any more: another one is made.
      if (error instanceof JourneyError && error.failure !== 'timeout') begun.delete(traveller.origin)
      // How long an upload takes is not what was to be looked at.
      throw error instanceof JourneyError && error.failure === 'timeout'
        ? journeyFailure('unanswered', error.result.detail)
        : error
    }
    begun.delete(traveller.origin)
    found.set(traveller.origin, receipt.videoId)
    return receipt.videoId
  }

  return {
    forget: ({ origin }) => void found.delete(origin),
    find(traveller) {
      const { origin } = traveller
      const known = found.get(origin)
      if (known !== undefined) return Promise.resolve(known)
      let running = making.get(origin)
      if (!running) {
        running = findOrMake(traveller).finally(() => making.delete(origin))
        making.set(origin, running)
      }
      return running
    },
  }
}
