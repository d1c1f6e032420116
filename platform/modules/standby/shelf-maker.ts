/**
 * Makes what can be served without the database, again and again, and has it on disk: whole or not at all, with the one
 * before it kept. All of it is made in each round, and written when it became another. It only reads the database.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DomainEvent } from '../../../contract/events.ts'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import type { Ctx } from '../../app/context.ts'
import { EVENTS_CHANNEL } from '../../app/events.ts'
import {
  setWithdrawalsAside,
  STANDBY_FILES,
  STANDBY_FORMAT,
  standbyPath,
  type AsideWithdrawals,
  type Round,
  type StandbyFile,
} from '../../app/standby/index.ts'
import { Candidates, ChangeLog } from '../feed/index.ts'
import { Blocks } from './blocks.ts'
import { Cohorts } from './cohorts.ts'
import { Gone } from './gone.ts'
import { alternately, makeLists } from './lists.ts'
import { Media } from './media.ts'
import { openShelfFile, type PutOptions, type ShelfFile } from './shelf-file.ts'
import { DEFAULT_SIZES, type StandbySizes } from './sizes.ts'
import { createSteadyChoice } from './steady-choice.ts'
import * as queries from './standby.queries.ts'

/** The pool that lists are ranked from: as that of the feed, whose sizes these are. */
const POOL = { newest: 2000, hottest: 2000, pool: 5000 }
const TAGS_EVERY_MS = 10 * 60_000
/** Which tags are watched is asked of so many of the hottest videos. */
const TAGGED_VIDEOS = 500

/** When a round began, by the clock and by the database. */
type AsOf = Required<Pick<PutOptions, 'asOfMs' | 'beforeXid'>>

export interface ShelfMaker extends AsyncDisposable {
  /** One round: everything is made, and one file is read again. */
  makeOnce(): Promise<void>
}

/** What a maker works with. */
interface Workshop {
  readonly ctx: Ctx
  readonly sizes: StandbySizes
  readonly sources: Sources
  readonly files: Readonly<Record<StandbyFile, ShelfFile>>
}

/** Opens a maker; nothing is read before its first round. */
export function openShelfMaker(ctx: Ctx, sizes: StandbySizes = DEFAULT_SIZES): ShelfMaker {
  const sources = openSources(ctx, sizes)
  const files = Object.fromEntries(
    STANDBY_FILES.map((name) => [name, openShelfFile(ctx, name, sizes)]),
  ) as Record<StandbyFile, ShelfFile>
  const workshop: Workshop = { ctx, sizes, sources, files }
  const cardChoice = createSteadyChoice(sizes.cards)
  const mediaChoice = createSteadyChoice(sizes.media)
  let roundCount = 0
  return {
    async makeOnce() {
      // Before anything is read: whatever was committed until now is in what this round makes.
      const asOfMs = ctx.clock.now().getTime()
      await files[STANDBY_FILES[roundCount++ % STANDBY_FILES.length]!].verify()
      const aside = await setWithdrawalsAside(ctx.config.dataDir)
      const { beforeXid, nextXid } = await queries.readSnapshot(ctx.db)
      const asOf = { asOfMs, beforeXid }
      const { newest, hottest, byTurns } = await sources.catchUp()
      const input = { asOfMs, newest, hottest, tags: sources.cohorts.tags, choice: cardChoice, sizes }
      const { cards, lists } = await makeLists(ctx, sources.candidates, input)
      await makeRules(workshop, asOf)
      await files.cards.put(cards, { ...asOf, mayWait: true })
      await files.lists.put(lists, { ...asOf, mayWait: true })
      await nextTurn()
      const listed = cards.head.cards.map(({ id }) => id)
      await makeMedia(workshop, asOf, mediaChoice.choose([listed], byTurns))
      await makeCohorts(workshop, asOf)
      await signRound(workshop)
      if (aside) await removeTakenIn(workshop, aside, nextXid)
    },
    [Symbol.asyncDispose]: () => sources[Symbol.asyncDispose](),
  }
}

type Sources = ReturnType<typeof openSources>

/** What the database says, kept up to date by what changes rather than read as a whole. */
function openSources(ctx: Ctx, sizes: StandbySizes) {
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
  const tagsDue = createInterval(ctx, TAGS_EVERY_MS)
  return {
    ...{ candidates, blocks, gone, media, cohorts },
    /** Takes in what changed. @returns the newest and the hottest videos, also one of each in turn */
    async catchUp() {
      await changes.catchUp()
      const [newest, hottest] = await Promise.all([
        queries.listNewest(ctx.db, sizes.media),
        queries.listHottest(ctx.db, sizes.media),
      ])
      const byTurns = alternately(hottest, newest)
      if (tagsDue.isDue()) {
        await cohorts.chooseTags(byTurns.slice(0, TAGGED_VIDEOS))
        tagsDue.done()
      }
      return { newest, hottest, byTurns }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      stopListening()
      stopMinding()
      await candidates[Symbol.asyncDispose]()
    },
  }
}

async function makeRules({ files, sources, sizes }: Workshop, asOf: AsOf): Promise<void> {
  const { pairs, blocked, unblocked } = await sources.blocks.makeFile(sizes.blockChanges)
  await files.blocks.put({ sections: { pairs } }, asOf)
  await files.rules.put(
    {
      head: { blocksAsOfMs: files.blocks.standing!.asOfMs },
      sections: { gone: await sources.gone.records(), blocked, unblocked },
    },
    asOf,
  )
}

async function makeMedia({ files, sources }: Workshop, asOf: AsOf, wanted: readonly string[]): Promise<void> {
  // What is on disk from before is better than a part of it.
  if (!(await sources.media.read(wanted))) return
  await files.media.put({ sections: sources.media.take(wanted) }, { ...asOf, mayWait: true })
}

async function makeCohorts({ files, sources }: Workshop, asOf: AsOf): Promise<void> {
  const accounts = await sources.cohorts.walk()
  if (!accounts) return
  const content = { head: { tags: sources.cohorts.names }, sections: { accounts } }
  await files.cohorts.put(content, { ...asOf, mayWait: true })
}

/** Last: what it says of the files was found out before. */
async function signRound({ ctx, files }: Workshop): Promise<void> {
  const round: Round = { format: STANDBY_FORMAT, files: {} }
  for (const name of STANDBY_FILES) {
    const { standing } = files[name]
    if (standing) round.files[name] = standing
  }
  await writeWhole(standbyPath(ctx.config.dataDir, 'round'), JSON.stringify(round))
}

/** Once no reader of the shelf can miss any of them. */
async function removeTakenIn(
  { files }: Workshop,
  { withdrawals, remove }: AsideWithdrawals,
  nextXid: bigint,
): Promise<void> {
  const [rulesXid, blocksXid] = [files.rules.certainXid, files.blocks.certainXid]
  const certainXid = rulesXid < blocksXid ? rulesXid : blocksXid
  // One that no transaction had when they had been read is of another database, which a backup took the place of.
  if (withdrawals.every(({ stamp: { xid } }) => xid < certainXid || xid >= nextXid)) await remove()
}

function createInterval({ clock }: Pick<Ctx, 'clock'>, everyMs: number) {
  let doneAtMs = -Infinity
  return {
    isDue: () => clock.monotonicMs() - doneAtMs >= everyMs,
    done: () => void (doneAtMs = clock.monotonicMs()),
  }
}
