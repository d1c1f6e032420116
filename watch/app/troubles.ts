/**
 * What is wrong with the watch's own means, and what its operator has to do: a wrong password of the mail server, say.
 * Shown in the cockpit and the metrics, logged when it begins, changes and ends.
 */
import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'

export interface Trouble {
  /** Names the means: `email`, `posts/SERVICE/TARGET`. */
  readonly id: string
  /** In a sentence, without addresses of people and without secrets. */
  readonly what: string
  /** What the operator has to do, in a sentence. */
  readonly remedy: string
  readonly sinceMs: number
}

export interface Troubles {
  /** Begins it, or changes its words. Idempotent. */
  raise(trouble: Omit<Trouble, 'sinceMs'>): void
  /** Idempotent. */
  end(id: string): void
  /** The oldest first. */
  list(): readonly Trouble[]
}

/** Begins without any. They are not kept over a restart: whoever raised one finds it again. */
export function createTroubles(options: { readonly clock: Clock; readonly log: Log }): Troubles {
  const { clock, log } = options
  const byId = new Map<string, Trouble>()
  return {
    raise(trouble) {
      const known = byId.get(trouble.id)
      if (known?.what === trouble.what && known.remedy === trouble.remedy) return
      byId.set(trouble.id, { ...trouble, sinceMs: known?.sinceMs ?? clock.now().getTime() })
      log.error({ trouble: trouble.id, what: trouble.what, remedy: trouble.remedy }, 'trouble.raised')
    },
    end(id) {
      if (byId.delete(id)) log.info({ trouble: id }, 'trouble.ended')
    },
    list: () => [...byId.values()].toSorted((a, b) => a.sinceMs - b.sinceMs),
  }
}
