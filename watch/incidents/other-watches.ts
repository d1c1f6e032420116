/**
 * What other watches say, as far as incidents ask for it. `watch/peers` knows it and stands above this folder, so it is
 * handed over in the context.
 */
import type { WatchCtx } from '../app/context.ts'
import type { OwnIncident } from './record-view.ts'
import type { IncidentRecord } from './records.ts'
import type { ComponentView, IncidentView, PeerView } from './views.ts'

/** Reads what this watch has itself. */
export interface OwnReader {
  find(id: string): OwnIncident | null
  /** Those whose time meets this one. */
  near(serviceId: string, fromMs: number, untilMs: number): readonly OwnIncident[]
}

export interface OtherWatches {
  /** Own incidents and theirs, each outage once, newest first. */
  overlayList(
    ctx: WatchCtx,
    own: readonly OwnIncident[],
    window: { readonly serviceId: string | null; readonly endedAfterMs: number; readonly beforeMs: number },
  ): IncidentView[]
  /** One incident, by the id that any watch gives it. */
  overlayOne(ctx: WatchCtx, id: string, reader: OwnReader): IncidentView | null
  /** Whether one of them has said of the service what it has not taken back itself. */
  hasOpenWords(ctx: WatchCtx, serviceId: string): boolean
  /** What only they know, as a record to begin with; null: nobody knows it. */
  adoptableRecord(ctx: WatchCtx, id: string): IncidentRecord | null
  /** They themselves, and how the service is as each of them sees it. */
  viewsOf(
    ctx: WatchCtx,
    serviceId: string,
    components: readonly Pick<ComponentView, 'slug' | 'status' | 'state'>[],
  ): readonly PeerView[]
}
