/** Says aloud when another watch falls silent, and when it is back: on the pages, to the operator, in the metrics. */
import type { WatchCtx } from '../app/context.ts'
import { listPresentPeers, readHearing } from './silence.ts'

export interface SilenceNotice {
  /** Looks once. @param line why the line to the other watch doesn't work; null: it does */
  look(line: { readonly wasReached: boolean; readonly failure: string | null }): void
}

const REMEDY =
  'See whether it runs, whether each reaches the other, and whether each has the other’s key (WATCH_PEER_KEY), and whether their clocks agree.'

export function createSilenceNotice(ctx: WatchCtx): SilenceNotice {
  let silent = new Set<string>()
  return {
    look({ wasReached, failure }) {
      const raise = (id: string, what: string) =>
        ctx.troubles.raise({ id, what: failure === null ? what : `${what} ${failure}`, remedy: REMEDY })
      const hearing = readHearing(ctx)
      const now = new Set(
        listPresentPeers(ctx)
          .map(({ id }) => id)
          .filter((id) => hearing(id).isSilent),
      )
      for (const id of now) raise(`peer/${id}`, `Watch ${id} is silent.`)
      for (const id of silent) if (!now.has(id)) ctx.troubles.end(`peer/${id}`)
      if (!wasReached && failure !== null) raise('peer', 'The second watch was never reached from here.')
      else ctx.troubles.end('peer')
      const isChanged = now.size !== silent.size || [...now].some((id) => !silent.has(id))
      silent = now
      if (!isChanged) return
      for (const { id } of ctx.catalog.services()) ctx.live.tell({ kind: 'status', serviceId: id })
    },
  }
}
