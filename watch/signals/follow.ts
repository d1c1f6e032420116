/** The signals that follow something outside: started for each service, started anew when its file changes. */
import type { Sample } from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { followChatter } from './chatter/follow-chatter.ts'
import { startTrafficPull } from './traffic/pull-traffic.ts'
import { followWord } from './word/follow-word.ts'

/** Follows chatter, traffic and the services' own words for all services of the catalogue. */
export function startFollowing(ctx: WatchCtx, observe: (sample: Sample) => void): AsyncDisposable {
  const following = new Map<
    string,
    { readonly entry: ServiceEntry; readonly parts: readonly AsyncDisposable[] }
  >()
  const ending = new Set<Promise<unknown>>()

  function end(id: string): void {
    const parts = following.get(id)?.parts ?? []
    following.delete(id)
    for (const part of parts) {
      const ended: Promise<unknown> = Promise.resolve(part[Symbol.asyncDispose]()).then(() =>
        ending.delete(ended),
      )
      ending.add(ended)
    }
  }

  function follow(): void {
    const services = ctx.catalog.services()
    for (const [id, { entry }] of following) if (!services.includes(entry)) end(id)
    for (const entry of services) {
      if (following.has(entry.id)) continue
      following.set(entry.id, {
        entry,
        parts: [
          followChatter(ctx, entry, observe),
          followWord(ctx, entry, observe),
          ...entry.traffic.pull.map((pull) => startTrafficPull(ctx, entry, pull, observe)),
        ],
      })
    }
  }

  follow()
  const change = ctx.catalog.onChange(follow)
  return {
    async [Symbol.asyncDispose]() {
      change[Symbol.dispose]()
      for (const id of following.keys()) end(id)
      await Promise.all(ending)
    },
  }
}
