/** The shelf as it lies on disk now: its files, what they amount to together, and up to when each was right. */
import type { Log } from '../../../kit/log.ts'
import { createFileReader, createRoundReader } from './files.ts'
import { fillLists, type FilledLists } from './filled-lists.ts'
import { GONE_KEPT_MS, type StandbyFile } from './format.ts'
import {
  lookUpBlocks,
  openBlocks,
  openCards,
  openCohorts,
  openLists,
  openMedia,
  openRules,
  type BlockLookup,
} from './shelves.ts'
import type { Withdrawn } from './withdrawn.ts'

/** What lists and cards need: all of it, or there is neither. */
export interface Shelf extends FilledLists {
  /** Up to when the lists, the cards and who blocks whom were right. */
  readonly listsAtMs: number
  readonly cardsAtMs: number
  readonly blocksAtMs: number
  readonly rulesAtMs: number
  /** Whether the rules may say of a card that it is gone. */
  readonly areCardsBehind: boolean
  readonly blocks: BlockLookup
}

type RoundReader = ReturnType<typeof createRoundReader>
type ShelfFiles = ReturnType<typeof readersOf>

export interface ShelfReader {
  readonly files: ShelfFiles
  /** Null: something of it is missing. */
  readonly shelf: Shelf | null
  /** What the rules say of videos has what all transactions before this one committed; 0: nobody knows. */
  readonly rulesXid: bigint
  /** The same of blocks. */
  readonly blocksXid: bigint
  /** Up to when the file's content was right; null: there is none. */
  rightAtMs(name: StandbyFile): number | null
  /** Looks for newer files. Never throws. */
  refresh(): Promise<void>
}

const readersOf = (source: { readonly dataDir: string; readonly log: Log }) => ({
  rules: createFileReader(source, 'rules', openRules),
  blocks: createFileReader(source, 'blocks', openBlocks),
  cards: createFileReader(source, 'cards', openCards),
  lists: createFileReader(source, 'lists', openLists),
  media: createFileReader(source, 'media', openMedia),
  cohorts: createFileReader(source, 'cohorts', openCohorts),
})

/** Nothing is read before its first refresh. */
export function createShelfReader(
  source: { readonly dataDir: string; readonly log: Log },
  withdrawn: Pick<Withdrawn, 'isKnown' | 'refresh'>,
): ShelfReader {
  const round = createRoundReader(source.dataDir)
  const files = readersOf(source)
  let [rulesXid, blocksXid] = [0n, 0n]
  let shelf: Shelf | null = null
  return {
    files,
    get shelf() {
      return shelf
    },
    get rulesXid() {
      return rulesXid
    },
    get blocksXid() {
      return blocksXid
    },
    rightAtMs(name) {
      const { opened } = files[name]
      return opened && rightAtMs(round, name, opened.asOfMs)
    },
    async refresh() {
      const wasKnown = withdrawn.isKnown
      // First: one that leaves the disk after this look is in the rules that are read next.
      await withdrawn.refresh()
      const [isNewRound, ...isNew] = await Promise.all([
        round.refresh(),
        ...Object.values(files).map((file) => file.refresh()),
      ])
      const hasChanged = isNew.includes(true) || withdrawn.isKnown !== wasKnown
      if (!hasChanged && !isNewRound) return
      const [rules, blocks] = [files.rules.opened, files.blocks.opened]
      rulesXid = xidOf(round, 'rules', rules)
      blocksXid = areTogether(rules, blocks) ? rulesXid : xidOf(round, 'blocks', blocks)
      shelf = withdrawn.isKnown ? putTogether(files, round, hasChanged ? null : shelf) : null
    },
  }
}

const rightAtMs = (round: RoundReader, name: StandbyFile, asOfMs: number): number =>
  round.standingOf(name, asOfMs)?.isRightAtMs ?? asOfMs

const xidOf = (
  round: RoundReader,
  name: StandbyFile,
  file: { readonly asOfMs: number; readonly beforeXid: string } | null,
): bigint => (file ? BigInt(round.standingOf(name, file.asOfMs)?.isRightBeforeXid ?? file.beforeXid) : 0n)

/** Whether the rules say what changed since these blocks were read. */
const areTogether = (
  rules: { readonly blocksAsOfMs: number } | null,
  blocks: { readonly asOfMs: number } | null,
): boolean => rules !== null && rules.blocksAsOfMs === blocks?.asOfMs

/** @param filled what the same files amounted to before; null: they are others now */
function putTogether(files: ShelfFiles, round: RoundReader, filled: Shelf | null): Shelf | null {
  const [rules, blocks] = [files.rules.opened, files.blocks.opened]
  const [cards, lists] = [files.cards.opened, files.lists.opened]
  if (!rules || !blocks || !cards || !lists) return null
  const rulesAtMs = rightAtMs(round, 'rules', rules.asOfMs)
  const cardsAtMs = rightAtMs(round, 'cards', cards.asOfMs)
  if (cardsAtMs < rulesAtMs - GONE_KEPT_MS) return null
  return {
    ...(filled ?? { ...fillLists(cards, lists), blocks: lookUpBlocks(blocks, rules) }),
    rulesAtMs,
    blocksAtMs: areTogether(rules, blocks) ? rulesAtMs : blocks.asOfMs,
    cardsAtMs,
    // A clock may have been set back between the two; transactions are counted by nobody but the database.
    areCardsBehind: rules.asOfMs > cardsAtMs || BigInt(rules.beforeXid) > xidOf(round, 'cards', cards),
    listsAtMs: rightAtMs(round, 'lists', lists.asOfMs),
  }
}
