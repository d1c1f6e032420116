/** What incidents ask of other watches, answered by what these have said. */
import type { OtherWatches } from '../incidents/index.ts'
import { adoptableRecord } from './adoption.ts'
import { overlayList, overlayOne } from './overlay.ts'
import { peersOf } from './peer-views.ts'
import { hasOpenStatements } from './records.ts'

export const otherWatches: OtherWatches = {
  overlayList,
  overlayOne,
  hasOpenWords: (ctx, serviceId) => hasOpenStatements(ctx.store, serviceId),
  adoptableRecord,
  viewsOf: peersOf,
}
