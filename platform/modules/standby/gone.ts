/** Which videos were deleted or hidden lately: whoever still has one in memory must not show it. */
import type { Ctx } from '../../app/context.ts'
import { GONE_KEPT_MS, GONE_KINDS, idBytes, type GoneKind } from '../../app/standby/index.ts'
import { listGone, listStandings } from './standby.queries.ts'

const GONE_MAX = 20_000
const READ_BATCH = 500

export class Gone {
  readonly #ctx: Ctx
  #byId: Map<string, { kind: GoneKind; atMs: number }> | null = null
  #changed = new Set<string>()

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  note(videoId: string): void {
    this.#changed.add(videoId)
  }

  /** Changes may have been missed. */
  forget(): void {
    this.#byId = null
  }

  /** Sorted records, as they go to the shelf, of at most `GONE_MAX`: the latest. */
  async records(): Promise<Buffer> {
    const nowMs = this.#ctx.clock.now().getTime()
    const byId = (this.#byId ??= await this.#readAll(nowMs))
    await this.#readChanged(byId, nowMs)
    for (const [id, { atMs }] of byId) {
      // In the order in which they went, but for the first reading: it began with the oldest.
      if (atMs > nowMs - GONE_KEPT_MS && byId.size <= GONE_MAX) break
      byId.delete(id)
    }
    return Buffer.concat(
      [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { kind }]) => record(id, kind)),
    )
  }

  async #readAll(nowMs: number): Promise<Map<string, { kind: GoneKind; atMs: number }>> {
    this.#changed.clear()
    const after = new Date(nowMs - GONE_KEPT_MS)
    const rows = await listGone(this.#ctx.db, { after, limit: GONE_MAX })
    return new Map(rows.reverse().map(({ id, kind, at }) => [id, { kind, atMs: at.getTime() }]))
  }

  async #readChanged(byId: Map<string, { kind: GoneKind; atMs: number }>, atMs: number): Promise<void> {
    const ids = [...this.#changed]
    for (let at = 0; at < ids.length; at += READ_BATCH) {
      const batch = ids.slice(at, at + READ_BATCH)
      const standings = new Map((await listStandings(this.#ctx.db, batch)).map((row) => [row.id, row.kind]))
      for (const id of batch) {
        byId.delete(id)
        const kind = standings.has(id) ? standings.get(id)! : 'deleted'
        if (kind) byId.set(id, { kind, atMs })
        this.#changed.delete(id)
      }
    }
  }
}

const record = (id: string, kind: GoneKind): Buffer =>
  Buffer.concat([idBytes(id), Buffer.of(GONE_KINDS.indexOf(kind))])
