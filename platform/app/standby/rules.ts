/** Who may see what of the shelf: what it says itself, with what was heard and what was withdrawn since. */
import type { GoneKind } from './format.ts'
import type { Heard } from './heard.ts'
import type { ShelfReader } from './shelf.ts'
import type { StandbyCard } from './shelves.ts'
import type { Withdrawn } from './withdrawn.ts'

export interface StandbyRules {
  goneKind(videoId: string): GoneKind | null
  /** Whether the video may have changed or gone since the shelf was right. */
  isDoubtful(videoId: string, asOfMs: number): boolean
  isBlockBetween(oneId: string, otherId: string): boolean
  rulesFor(viewerId: string | null): (card: Pick<StandbyCard, 'id' | 'authorId'>) => boolean
}

export function createRules(reader: ShelfReader, heard: Heard, withdrawn: Withdrawn): StandbyRules {
  const withdrawnKind = (videoId: string) => withdrawn.goneKind(videoId, reader.rulesXid)
  const goneKind = (videoId: string): GoneKind | null =>
    withdrawnKind(videoId) ?? reader.files.rules.opened?.goneKind(videoId) ?? null
  /** What is known of a block beyond the shelf; where the two differ, that it stands. */
  function isBlockingNow(blocker: string, blocked: string): boolean | null {
    const told = heard.isBlocking(blocker, blocked, reader.shelf?.blocksAtMs ?? 0)
    const written = withdrawn.isBlocking(blocker, blocked, reader.blocksXid)
    return told || written ? true : (told ?? written)
  }
  const isBlocking = (blocker: string, blocked: string): boolean =>
    isBlockingNow(blocker, blocked) ?? reader.shelf?.blocks.isBlocking(blocker, blocked) ?? false
  const isBlockBetween = (one: string, other: string): boolean =>
    isBlocking(one, other) || isBlocking(other, one)
  return {
    goneKind,
    isDoubtful: (videoId, asOfMs) => heard.isChanged(videoId, asOfMs) || goneKind(videoId) !== null,
    isBlockBetween,
    rulesFor(viewerId) {
      const { shelf } = reader
      if (!shelf) return () => false
      const { cardsAtMs, areCardsBehind } = shelf
      const isBlocked = viewerId === null ? null : shelf.blocks.around(viewerId)
      return ({ id, authorId }) => {
        if (heard.isChanged(id, cardsAtMs) || withdrawnKind(id) !== null) return false
        if (areCardsBehind && goneKind(id) !== null) return false
        if (viewerId === null || isBlocked === null) return true
        const [given, got] = [isBlockingNow(viewerId, authorId), isBlockingNow(authorId, viewerId)]
        if (given || got) return false
        // Where one of the two was taken back since, the shelf is asked for each direction alone.
        return given === null && got === null ? !isBlocked(authorId) : !isBlockBetween(viewerId, authorId)
      }
    },
  }
}
