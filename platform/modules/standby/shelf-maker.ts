/**
 * Makes what can be served without the database, again and again, and puts it on disk: whole or not at all, with the one
 * before it kept. It only reads the database.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DomainEvent } from '../../../contract/events.ts'
import { readLastGood, writeRecordFile } from '../../../kit/record-file.ts'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import { STANDBY_FORMAT, standbyPath, type ListsHead, type StandbyFile } from '../../app/standby/index.ts'
import { Candidates, ChangeLog } from '../feed/index.ts'
import { Blocks } from './blocks.ts'
import { Cohorts } from './cohorts.ts'
import { Gone } from './gone.ts'
import { alternately, makeLists } from './lists.ts'
import { Media } from './media.ts'
import { DEFAULT_SIZES, type StandbySizes } from './sizes.ts'
import * as queries from './standby.queries.ts'

/** The pool that lists are ranked from: as that of the feed, whose sizes these are. */
const POOL = { newest: 2000, hottest: 2000, pool: 5000 }
const TAGS_EVERY_MS = 10 * 60_000
/** Which tags are watched is asked of so many of the hottest videos. */
const TAGGED_VIDEOS = 500
const MEDIA_EVERY_MS = 10_000
const COHORTS_EVERY_MS = 60_000

export interface ShelfMaker extends AsyncDisposable {
  /** One round: the lists always, media and cohorts when they changed and it is time. */
  makeOnce(): Promise<void>
}

/** Opens a maker; nothing is read before its first round. */
export function openShelfMaker(ctx: Ctx, sizes: StandbySizes = DEFAULT_SIZES): ShelfMaker {
  const candidates = new Candidates(ctx, POOL)
  const blocks = new Blocks(ctx)
  const gone = new Gone(ctx)
  const media = new Media(ctx, sizes)
  const cohorts = new Cohorts(ctx, sizes)
  const changes = new ChangeLog(ctx, {
    forgetAll() {
      blocks.forget()
      gone.forget()
      media.forget()
    },
    apply({ kind, subjectId, objectId }) {
      if (kind === 'video') {
        gone.note(subjectId)
        media.drop(subjectId)
      } else if ((kind === 'blocked' || kind === 'unblocked') && objectId !== null)
        blocks.put(subjectId, objectId, kind === 'blocked')
    },
  })
  const stopListening = ctx.listener.on(EVENTS_CHANNEL, (event) => candidates.learn(event as DomainEvent))
  const stopMinding = ctx.listener.onGap(() => candidates.invalidate())
  const lists = createFileWriter(ctx, 'lists')
  const mediaFile = createFileWriter(ctx, 'media')
  let mediaWritten: ListsHead['media'] = null
  const cohortsFile = createFileWriter(ctx, 'cohorts')
  const tagsDue = createInterval(ctx, TAGS_EVERY_MS)
  const mediaDue = createInterval(ctx, MEDIA_EVERY_MS)
  const cohortsDue = createInterval(ctx, COHORTS_EVERY_MS)

  async function makeMedia(asOfMs: number, wanted: readonly string[]): Promise<void> {
    // What is on disk from before is better than a part of it.
    if (!(await media.read(wanted))) return
    if (media.isDirty) {
      if (!mediaDue.isDue()) return
      await mediaFile.write({ format: STANDBY_FORMAT, asOfMs }, media.take(wanted))
      mediaDue.done()
      mediaWritten = { asOfMs, isRightAtMs: asOfMs }
    }
    mediaWritten = mediaWritten && { ...mediaWritten, isRightAtMs: asOfMs }
  }

  async function makeCohorts(asOfMs: number): Promise<void> {
    const accounts = await cohorts.walk()
    if (!accounts || !cohortsDue.isDue()) return
    await cohortsFile.write({ format: STANDBY_FORMAT, asOfMs, tags: cohorts.names }, { accounts })
    cohortsDue.done()
  }

  return {
    async makeOnce() {
      // Before anything is read: whatever was committed until now is in what this round makes.
      const asOfMs = ctx.clock.now().getTime()
      await changes.catchUp()
      const [newest, hottest] = await Promise.all([
        queries.listNewest(ctx.db, sizes.media),
        queries.listHottest(ctx.db, sizes.media),
      ])
      if (tagsDue.isDue()) {
        await cohorts.chooseTags(alternately(hottest, newest).slice(0, TAGGED_VIDEOS))
        tagsDue.done()
      }
      const input = { asOfMs, newest, hottest, tags: cohorts.tags, media: mediaWritten, sizes }
      const { head, cards } = await makeLists(ctx, candidates, input)
      const sections = { cards, blocks: await blocks.all(), gone: await gone.records() }
      await lists.write(head, sections)
      await nextTurn()
      const listed = head.cards.map(({ id }) => id)
      const wanted = [...new Set([...listed, ...alternately(hottest, newest)])].slice(0, sizes.media)
      await makeMedia(asOfMs, wanted)
      await makeCohorts(asOfMs)
    },
    async [Symbol.asyncDispose]() {
      stopListening()
      stopMinding()
      await candidates[Symbol.asyncDispose]()
    },
  }
}

/** Knows whether what lies there is whole: only that is kept as the file before. */
function createFileWriter(ctx: Ctx, name: StandbyFile) {
  const path = standbyPath(ctx.config.dataDir, name)
  let isOldGood: boolean | null = null
  return {
    async write(head: unknown, sections: Readonly<Record<string, Buffer>>): Promise<void> {
      isOldGood ??= (await readLastGood(path)).damage.length === 0
      await writeRecordFile(path, { head, sections }, { isOldGood })
      isOldGood = true
    },
  }
}

function createInterval({ clock }: Pick<Ctx, 'clock'>, everyMs: number) {
  let doneAtMs = -Infinity
  return {
    isDue: () => clock.monotonicMs() - doneAtMs >= everyMs,
    done: () => void (doneAtMs = clock.monotonicMs()),
  }
}
