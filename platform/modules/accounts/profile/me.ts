/** An account as its owner sees it, and as others do. */
import type { AccountCard, Me } from '../../../../contract/accounts.ts'
import type { Ctx } from '../../../app/context.ts'
import { NotFoundError } from '../../../app/errors.ts'
import * as queries from '../accounts.queries.ts'

/** Made up for accounts without one; never shown or mailed. */
export const INTERNAL_EMAIL_DOMAIN = '@noreply.invalid'

/** The account as its owner sees it. */
export async function loadMe(ctx: Ctx, accountId: string): Promise<Me> {
  const row = await queries.findAccountById(ctx.db, accountId)
  if (!row) throw new NotFoundError('account', accountId)
  return {
    ...toAccountCard(row),
    bio: row.bio,
    email: row.email.endsWith(INTERNAL_EMAIL_DOMAIN) ? null : row.email,
    role: row.role,
    createdAt: row.createdAt.toISOString(),
  }
}

/** Where a picture is served; its key names its content, so it never changes. */
const pictureUrlOf = (image: string | null) => (image === null ? null : `/media/${image}`)

export function toAccountCard(row: {
  id: string
  handle: string
  name: string
  image: string | null
}): AccountCard {
  return { id: row.id, handle: row.handle, name: row.name, pictureUrl: pictureUrlOf(row.image) }
}
