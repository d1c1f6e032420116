/** A word to everybody who was paged before: somebody has answered, or it is over. */
import type { WatchCtx } from '../app/context.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import type { PageLinks } from './links.ts'
import type { PageMessage } from './page-book.ts'
import { pageMessages, type PageWord } from './page-notices.ts'
import type { PageRecord } from './page-records.ts'
import { receiversOf } from './receivers.ts'
import { holderOf } from './targets.ts'

/** Said once to each, by the addresses that they have now. */
export function toldMessages(
  ctx: WatchCtx,
  links: PageLinks,
  input: {
    readonly entry: ServiceEntry
    readonly page: PageRecord
    readonly word: Exclude<PageWord, 'page'>
    readonly by?: string
    /** Who needs not be told. */
    readonly exceptPersonId?: string
  },
): PageMessage[] {
  const { entry, page, word, by, exceptPersonId } = input
  const ids = new Set(ctx.pages.listTold(page.id).map(({ personId }) => personId))
  return [...ids]
    .filter((id) => id !== exceptPersonId)
    .flatMap((id) => {
      const known = entry.onCall.people.find((person) => person.id === id)
      const person = known ?? holderOf(entry, `operator:${id}`)
      const receivers = receiversOf(ctx, person)
      return pageMessages(ctx, links, { page, entry, person, receivers, key: word, word, by }).messages
    })
}
