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
  const files = Object.fromEntries(
    STANDBY_FILES.map((name) => [name, openShelfFile(ctx, name, sizes)]),
  ) as Record<StandbyFile, ShelfFile>
  const cardChoice = createSteadyChoice(sizes.cards)
  const mediaChoice = createSteadyChoice(sizes.media)
  const tagsDue = createInterval(ctx, TAGS_EVERY_MS)
  let roundCount = 0

  async function makeRules(asOf: AsOf): Promise<void> {
    const { pairs, blocked, unblocked } = await blocks.makeFile(sizes.blockChanges)
    await files.blocks.put({ sections: { pairs } }, asOf)
    await files.rules.put(
      {
        head: { blocksAsOfMs: files.blocks.standing!.asOfMs },
        sections: { gone: await gone.records(), blocked, unblocked },
      },
      asOf,
    )
  }

  async function makeMedia(asOf: AsOf, wanted: readonly string[]): Promise<void> {
    // What is on disk from before is better than a part of it.
    if (!(await media.read(wanted))) return
    await files.media.put({ sections: media.take(wanted) }, { ...asOf, mayWait: true })
  }

  async function makeCohorts(asOf: AsOf): Promise<void> {
    const accounts = await cohorts.walk()
    if (!accounts) return
    const content = { head: { tags: cohorts.names }, sections: { accounts } }
    await files.cohorts.put(content, { ...asOf, mayWait: true })
  }

  /** Last: what it says of the files was found out before. */
  async function signRound(): Promise<void> {
    const round: Round = { format: STANDBY_FORMAT, files: {} }
    for (const name of STANDBY_FILES) {
      const { standing } = files[name]
      if (standing) round.files[name] = standing
    }
    await writeWhole(standbyPath(ctx.config.dataDir, 'round'), JSON.stringify(round))
  }

  /** Once no reader of the shelf can miss any of them. */
  async function removeTakenIn({ withdrawals, remove }: AsideWithdrawals, nextXid: bigint): Promise<void> {
    const [rulesXid, blocksXid] = [files.rules.certainXid, files.blocks.certainXid]
    const certainXid = rulesXid < blocksXid ? rulesXid : blocksXid
    // One that no transaction had when they had been read is of another database, which a backup took the place of.
    if (withdrawals.every(({ stamp: { xid } }) => xid < certainXid || xid >= nextXid)) await remove()
  }

  return {
    async makeOnce() {
      // Before anything is read: whatever was committed until now is in what this round makes.
      const asOfMs = ctx.clock.now().getTime()
      await files[STANDBY_FILES[roundCount++ % STANDBY_FILES.length]!].verify()
      const aside = await setWithdrawalsAside(ctx.config.dataDir)
      const { beforeXid, nextXid } = await queries.readSnapshot(ctx.db)
      const asOf = { asOfMs, beforeXid }
      await changes.catchUp()
      const [newest, hottest] = await Promise.all([
        queries.listNewest(ctx.db, sizes.media),
        queries.listHottest(ctx.db, sizes.media),
      ])
      if (tagsDue.isDue()) {
        await cohorts.chooseTags(alternately(hottest, newest).slice(0, TAGGED_VIDEOS))
        tagsDue.done()
      }
      const input = { asOfMs, newest, hottest, tags: cohorts.tags, choice: cardChoice, sizes }
      const { cards, lists } = await makeLists(ctx, candidates, input)
      await makeRules(asOf)
      await files.cards.put(cards, { ...asOf, mayWait: true })
      await files.lists.put(lists, { ...asOf, mayWait: true })
      await nextTurn()
      const listed = cards.head.cards.map(({ id }) => id)
      const wanted = mediaChoice.choose([listed], alternately(hottest, newest))
      await makeMedia(asOf, wanted)
      await makeCohorts(asOf)
      await signRound()
      if (aside) await removeTakenIn(aside, nextXid)
    },
    async [Symbol.asyncDispose]() {
      stopListening()
      stopMinding()
      await candidates[Symbol.asyncDispose]()
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
