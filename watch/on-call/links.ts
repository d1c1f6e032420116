/** The link in a page by which one person answers it: signed, so that it needs no sign-in, and good for that page alone. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { WatchCtx } from '../app/context.ts'
import { keepOnce } from '../store/index.ts'
import { originOfMessages } from '../telling/message-links.ts'

const SECRET_BYTES = 32

export interface PageLinks {
  /** Where this person answers. */
  linkFor(pageId: string, personId: string): string
  isRight(pageId: string, personId: string, signature: string): boolean
}

/** Reads the key of the signatures; the first start makes it. */
export async function openPageLinks(ctx: WatchCtx): Promise<PageLinks> {
  const secret = await keepOnce(ctx.store, {
    name: 'on-call-links',
    nowMs: ctx.clock.now().getTime(),
    make: () => ctx.randomBytes(SECRET_BYTES).toString('base64url'),
  })
  const sign = (pageId: string, personId: string): Buffer =>
    createHmac('sha256', secret).update(`${pageId}\n${personId}`).digest()
  return {
    linkFor: (pageId, personId) =>
      `${originOfMessages(ctx)}/pages/${pageId}/${personId}/${sign(pageId, personId).toString('base64url')}`,
    isRight(pageId, personId, signature) {
      const expected = sign(pageId, personId)
      const given = Buffer.from(signature, 'base64url')
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}
